package main

import (
	"cmp"
	"os"
	"strings"

	"weblab.example/scripts/internal/verdict"
)

// say is a text of the reports in a language, en or zh. A test looks for those that have no
// Chinese in verdict's table.
func say(lang, text string) string {
	if zh := verdict.Texts.Reports[text]; lang == "zh" && zh != "" {
		return zh
	}
	return text
}

// localeLanguage is the language of the locale: zh_CN.UTF-8 is zh.
func localeLanguage() string {
	if strings.HasPrefix(cmp.Or(os.Getenv("LC_ALL"), os.Getenv("LC_MESSAGES"), os.Getenv("LANG")), "zh") {
		return "zh"
	}
	return "en"
}
