package main

import (
	"math"
	"slices"
)

// median is the value in the middle, or the mean of the two values there. One round
// in which the machine had other work changes a mean, but hardly a median.
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

// quantile returns the nearest rank: the smallest value so that a part q of all
// values are not larger. The values are sorted.
func quantile[T any](sorted []T, q float64) (value T) {
	if len(sorted) == 0 {
		return value
	}
	rank := int(math.Ceil(q * float64(len(sorted))))
	return sorted[min(max(rank, 1), len(sorted))-1]
}

// pairedRatios are the ratios of ours to theirs, round by round. If something slows
// the machine for a whole round, it slows both, and their ratio stays the same.
func pairedRatios(ours, theirs []float64) []float64 {
	ratios := make([]float64, min(len(ours), len(theirs)))
	for i := range ratios {
		ratios[i] = ours[i] / theirs[i]
	}
	return ratios
}

// rotated are the numbers below n. Each round begins with another one, because the
// first contestant may find the machine in another state than the others.
func rotated(n, round int) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = (i + round) % n
	}
	return order
}
