package golden

func makeFIFO(string) error { return notHere("Windows has no named pipes in directories") }
