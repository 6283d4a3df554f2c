package main

// tests lists what is measured, and the aims.
func (b *bench) tests() []test {
	page, once, file := load{pageName, page, false}, load{pageName, page, true}, load{fileName, b.file, false}
	return []test{
		{[]*contestant{b.underLoad(keeping, page), b.underLoad(nginx, page), b.underLoad(netHTTP, page)}, []row{
			{number: 1, what: "stage 2, 36-byte page, requests on persistent connections", unit: "/s", aims: map[string]float64{"nginx": 1.1, "net/http": 2.3}},
			{number: 6, what: "stage 2, 99th percentile latency in row 1", unit: "s", atMost: true, aims: map[string]float64{"net/http": 0.7}},
		}},
		{[]*contestant{b.underLoad(stage2, once), b.underLoad(nginx, once), b.underLoad(netHTTP, once)}, []row{
			{number: 2, what: "stage 2, requests on new connections", unit: "/s", aims: map[string]float64{"nginx": 1, "net/http": 1.35}},
		}},
		{[]*contestant{b.underLoad(keeping, file), b.underLoad(nginx, file), b.underLoad(netHTTP, file)}, []row{
			{number: 3, what: "stage 2, 1 MB file", unit: "B/s", aims: map[string]float64{"nginx": 1}},
		}},
		{[]*contestant{b.underLoad(stage1, once), b.underLoad(python, once)}, []row{
			{number: 4, what: "stage 1, requests on new connections", unit: "/s", aims: map[string]float64{"Python": 15}},
		}},
		{[]*contestant{b.withIdle(keeping), b.withIdle(netHTTP), b.withIdle(nginx)}, []row{
			{number: 5, what: "stage 2, memory for an idle persistent connection", unit: "B", atMost: true, aims: map[string]float64{"net/http": 0.4}},
		}},
		{[]*contestant{b.downloads("stage 3", stage3), b.downloads("curl", curl)}, []row{
			{number: 7, what: "stage 3, download of 1 GB from stage 2", unit: "s", atMost: true, aims: map[string]float64{"curl": 1}},
			{number: 8, what: "stage 3, peak memory for it", unit: "B", atMost: true, aims: map[string]float64{"curl": 1.5}},
		}},
	}
}
