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

// openBrowser opens the user's own browser. The browser goes on when this program
// ends. If it cannot be opened, openBrowser calls failed.
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
	go func() { // the command may run as long as the browser
		if err := cmd.Run(); err != nil {
			failed(err)
		}
	}()
}

// errNoChromium says what to install.
var errNoChromium = errors.New("no Chromium was found: install it (on Debian: apt-get install chromium), or say where it is: CHROMIUM=/path/to/chromium")

// findChromium looks for Chromium, or a related browser, that runs without a
// window. It tries the environment's CHROMIUM, then the usual names.
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
	for _, programs := range []string{"${ProgramFiles}", "${ProgramFiles(x86)}", "${LocalAppData}"} {
		names = append(names, programs+`\Google\Chrome\Application\chrome.exe`, programs+`\Microsoft\Edge\Application\msedge.exe`)
	}
	for _, name := range names {
		if path, err := exec.LookPath(os.ExpandEnv(name)); err == nil {
			return path, nil
		}
	}
	return "", errNoChromium
}

// runChromium loads a page without a window, and ends when the page has loaded.
// It returns what Chromium prints. With --dump-dom these are the page's elements.
func runChromium(ctx context.Context, chromium, url string, flags ...string) (stdout []byte, err error) {
	const most = 2 * time.Minute
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	profile, err := os.MkdirTemp("", "weblab-chromium-") // a new profile remembers nothing, and has nothing of the user's
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(profile)
	args := []string{"--headless", "--disable-gpu", "--no-first-run", "--hide-scrollbars", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--user-data-dir=" + profile}
	if os.Getuid() == 0 {
		args = append(args, "--no-sandbox") // as root, Chromium refuses to run with a sandbox
	}
	cmd := launch.Command(ctx, chromium, append(append(args, flags...), url)...)
	stderr := &launch.Tail{Most: 2000}
	cmd.Stderr = stderr
	if stdout, err = cmd.Output(); err != nil {
		return stdout, fmt.Errorf("%s: %w\n%s", filepath.Base(chromium), err, stderr)
	}
	return stdout, nil
}

// screenshots are the pictures for README: which experiment each shows, and its
// size in pixels.
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
			return err // otherwise an old picture could pass for the new one
		}
		if _, err := runChromium(ctx, chromium, url+"?"+s.query,
			"--screenshot="+file, fmt.Sprintf("--window-size=%d,%d", s.width, s.height)); err != nil {
			return err
		}
		if wrong, _ := c.problems.Load().(string); wrong != "" {
			os.Remove(file) // the picture shows an error message
			return errors.New(wrong)
		}
		if _, err := os.Stat(file); err != nil {
			return fmt.Errorf("%s made no picture: %w", filepath.Base(chromium), err)
		}
		fmt.Fprintln(stdout, file)
	}
	return nil
}
