//go:build kit

package tap

func init() { volume = 1 << 30 }
