package main

import "slices"

// levels are the kinds of steps, in the order in which they are learned.
var levels = []string{"core", "protocol", "strict"}

// steps are the steps of each level, in their order.
var steps = [][]string{
	{"1.1", "1.2", "1.3", "1.4", "1.5", "1.6", "2.1", "3.1", "3.2", "3.3"},
	{"1.7", "1.8", "1.9", "2.2", "2.3", "3.4", "3.5", "3.6"},
	{"S.1", "S.2", "S.3", "S.4", "S.5"},
}

// level is the level of a step, as an index into levels; -1 if there is no
// such step.
func level(step string) int {
	return slices.IndexFunc(steps, func(of []string) bool { return slices.Contains(of, step) })
}
