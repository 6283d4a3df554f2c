package main

import (
	"os"
	"strings"
)

// say is a text of the reports in a language, en or zh.
func say(lang, text string) string {
	if zh := chinese[text]; lang == "zh" && zh != "" {
		return zh
	}
	return text
}

// chinese has the texts of the reports. A test looks for those that are missing.
var chinese = map[string]string{
	"%d of %d points":       "%d / %d 分",
	"%d of %d: %s":          "%[2]d 份中有 %[1]d 份：%[3]s",
	"not run":               "没有运行",
	"not graded":            "未评分",
	"passed":                "通过",
	"FAILED":                "未通过",
	"and %d more":           "另有 %d 项",
	"%[1]d: %[3]s":          "%[1]d 份：%[3]s",
	"; ":                    "；",
	"seen":                  "现象",
	"why":                   "原因",
	"read":                  "请读",
	"again":                 "重做",
	"note":                  "说明",
	"No mistake was found.": "没有发现错误。",
	"no points lost: ":      "不扣分：",
	"and %d more, in the HTML report (-out DIR)": "还有 %d 处，见 HTML 报告（-out 目录）",
	"One check again:":                           "重做一项检查：",
	"For no points: what HTTP/1.1 asks beyond the assignment is in %d more checks, -checks golden": "不计分：HTTP/1.1 在作业之外还要求什么，见另外 %d 项检查（-checks golden）",
	"The class":                         "全班",
	"What went wrong most often":        "最常见的错误",
	"submission":                        "提交",
	"total":                             "总分",
	"first mistake":                     "首要错误",
	"points":                            "得分",
	"step":                              "步骤",
	"server":                            "服务器",
	"404":                               "404",
	"threads":                           "线程",
	"client":                            "客户",
	"core":                              "核心",
	"protocol":                          "协议",
	"strict":                            "严格",
	"a browser's request gets the file": "浏览器请求的文件能送到",
	"a file that is not there":          "文件不存在",
	"many clients at once (an optional exercise)": "同时服务许多客户（选做）",
	"the client (an optional exercise)":           "客户程序（选做）",

	// Why the textbook's checks were not run.
	"the time is over":                        "时间已到",
	"checks before it waited too long":        "前面的检查等得太久",
	"no page came in the checks before it":    "前面的检查没有得到任何页面",
	"the program serves one client at a time": "程序一次只服务一个客户",
}

// localeLanguage is the language of a locale's name, as LANG has it: zh_CN.UTF-8 is zh.
func localeLanguage() string {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if value := os.Getenv(name); value != "" {
			if strings.HasPrefix(value, "zh") {
				return "zh"
			}
			break
		}
	}
	return "en"
}
