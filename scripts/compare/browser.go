package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"weblab.example/scripts/internal/launch"
)

// openBrowser opens the person's own browser, which goes on when this program
// ends. Where that fails, failed is called.
func openBrowser(url string, failed func(error)) {
	args := []string{"xdg-open", url}
	switch runtime.GOOS {
	case "windows":
		args = []string{"rundll32", "url.dll,FileProtocolHandler", url}
	case "darwin":
		args = []string{"open", url}
	}
	cmd := exec.Command(args[0], args[1:]...)
	launch.Detach(cmd)
	go func() { // it may stay as long as the browser does
		if err := cmd.Run(); err != nil {
			failed(err)
		}
	}()
}

// errNoChromium says what to install.
var errNoChromium = errors.New("no Chromium was found: install it (on Debian: apt-get install chromium), or say where it is: CHROMIUM=/path/to/chromium")

// findChromium looks for a Chromium, or one of its kin, that runs without a
// window: what the environment's CHROMIUM says, then the usual names.
func findChromium() (string, error) {
	if named := os.Getenv("CHROMIUM"); named != "" {
		path, err := exec.LookPath(named)
		if err != nil {
			return "", fmt.Errorf("CHROMIUM: %w", err)
		}
		return path, nil
	}
	names := []string{
		"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge", "msedge",
		"/Applications/Google Chrome.app/Contents/MacOS/Google Chrome", "/Applications/Chromium.app/Contents/MacOS/Chromium",
	}
	for _, programs := range []string{os.Getenv("ProgramFiles"), os.Getenv("ProgramFiles(x86)"), os.Getenv("LocalAppData")} {
		if programs != "" {
			names = append(names, programs+`\Google\Chrome\Application\chrome.exe`, programs+`\Microsoft\Edge\Application\msedge.exe`)
		}
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errNoChromium
}

// runChromium loads a page without a window, and ends when the page has
// loaded. It returns what it prints: with --dump-dom, the page's elements.
func runChromium(ctx context.Context, chromium, url string, flags ...string) (stdout []byte, err error) {
	const most = 2 * time.Minute
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	profile, err := os.MkdirTemp("", "weblab-chromium-") // a new one: nothing remembered, nothing of the person's
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(profile)
	args := []string{"--headless", "--disable-gpu", "--no-first-run", "--hide-scrollbars", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--user-data-dir=" + profile}
	if os.Getuid() == 0 {
		args = append(args, "--no-sandbox") // it refuses to run as root with one
	}
	cmd := exec.CommandContext(ctx, chromium, append(append(args, flags...), url)...)
	var stderr tail
	cmd.Stderr = &stderr
	cmd.WaitDelay = time.Second
	if stdout, err = cmd.Output(); err != nil {
		return stdout, fmt.Errorf("%s: %w\n%s", filepath.Base(chromium), err, stderr)
	}
	return stdout, nil
}

// A tail keeps the last bytes that are written to it.
type tail []byte

func (t *tail) Write(p []byte) (int, error) {
	const most = 2000
	*t = append(*t, p...)
	*t = (*t)[max(0, len(*t)-most):]
	return len(p), nil
}

// screenshots are the pictures that README shows: of which experiment, and
// how large, in pixels.
var screenshots = []struct {
	file, query   string
	width, height int
}{
	{"six-objects.png", "run=objects", 960, 830},
	{"content-length.png", "run=lengths", 960, 450},
}

// takeScreenshots writes the pictures to a directory.
func (c *comparison) takeScreenshots(ctx context.Context, url, dir string, stdout io.Writer) error {
	chromium, err := findChromium()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, s := range screenshots {
		file := filepath.Join(dir, s.file)
		if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err // or an old picture would be taken for the new one
		}
		if _, err := runChromium(ctx, chromium, url+"?"+s.query,
			"--screenshot="+file, fmt.Sprintf("--window-size=%d,%d", s.width, s.height)); err != nil {
			return err
		}
		if wrong, _ := c.problems.Load().(string); wrong != "" {
			os.Remove(file) // a picture of a message
			return errors.New(wrong)
		}
		if _, err := os.Stat(file); err != nil {
			return fmt.Errorf("%s made no picture: %w", filepath.Base(chromium), err)
		}
		fmt.Fprintln(stdout, file)
	}
	return nil
}
