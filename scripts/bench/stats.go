package main

import (
	"math"
	"slices"
)

// median is the value in the middle, or the mean of the two there. Unlike a
// mean it does not mind one round in which the machine had other work.
func median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	half := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[half]
	}
	return (sorted[half-1] + sorted[half]) / 2
}

// quantile is the value that the part q of all does not exceed, of sorted
// values: the nearest rank.
func quantile[T any](sorted []T, q float64) (value T) {
	if len(sorted) == 0 {
		return value
	}
	rank := int(math.Ceil(q * float64(len(sorted))))
	return sorted[min(max(rank, 1), len(sorted))-1]
}

// pairedRatios are ours to theirs, round by round: what slows the machine for
// a whole round slows both, and so their ratio stays.
func pairedRatios(ours, theirs []float64) []float64 {
	ratios := make([]float64, min(len(ours), len(theirs)))
	for i := range ratios {
		ratios[i] = ours[i] / theirs[i]
	}
	return ratios
}

// rotated are the numbers below n, beginning with another one each round: who
// comes first may find a colder machine, or a warmer one.
func rotated(n, round int) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = (i + round) % n
	}
	return order
}
