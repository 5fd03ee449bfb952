package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/chromedp"
)

// axe is the script of axe-core, which finds what some people cannot see, or cannot use
// with a keyboard or a screen reader.
var axe = sync.OnceValues(func() (string, error) {
	folder, err := os.MkdirTemp("", "axe")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(folder)
	install := exec.Command("npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", folder, "axe-core@4.14.1")
	if err := install.Run(); err != nil {
		return "", err
	}
	script, err := os.ReadFile(filepath.Join(folder, "node_modules/axe-core/axe.min.js"))
	return string(script), err
})

// faults runs axe without some rules, and returns what it finds, and whether the page is
// wider than the window.
const faults = `(rules => axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], rules}).then(found => [
	...found.violations.map(({id, nodes}) => nodes.length + " × " + id + ", such as " + nodes[0].target + ": " + nodes[0].failureSummary),
	...(document.documentElement.scrollWidth > innerWidth ? ["it is " + document.documentElement.scrollWidth + " wide"] : []),
].join("\n")))`

// look shows the page on a desk and on a phone, light and dark, and finds its faults. With
// SCREENSHOTS it saves the pictures too. ignored are names of rules of axe.
func (p *page) look(name string, ignored ...string) {
	p.t.Helper()
	script, err := axe()
	if err != nil && os.Getenv("CI") != "" {
		p.t.Fatal("axe-core is not installed: ", err)
	}
	if err == nil {
		run(p, chromedp.Evaluate[bool](script+"; true"))
	}
	rules := map[string]map[string]bool{}
	for _, rule := range ignored {
		rules[rule] = map[string]bool{"enabled": false}
	}
	options, _ := json.Marshal(rules)
	for _, scheme := range []string{"dark", "light"} {
		p.prefer(scheme)
		for device, size := range map[string][2]int64{"phone": {360, 700}, "desk": {1280, 900}} {
			p.do(chromedp.EmulateViewport(size[0], size[1]))
			p.shoot(strings.Join([]string{name, device, scheme}, "_"), size[0], size[1])
			if err != nil {
				continue
			}
			if found := run(p, chromedp.Evaluate[string](faults+"("+string(options)+")", chromedp.EvalAwaitPromise)); found != "" {
				p.t.Errorf("%s, %s, %s:\n%s", name, device, scheme, found)
			}
		}
	}
	p.do(chromedp.EmulateViewport(1280, 900))
}

// press presses Tab until an element that matches a selector has the focus, which must be
// visible, and then other keys.
func (p *page) press(selector, keys string) {
	p.t.Helper()
	for range 300 {
		if run(p, chromedp.Evaluate[bool](`document.activeElement.matches("`+selector+`")`)) {
			if !run(p, chromedp.Evaluate[bool](`getComputedStyle(document.activeElement).outlineStyle !== "none"`)) {
				p.t.Error("the focus is not visible on ", selector)
			}
			p.do(chromedp.KeyEvent(keys))
			return
		}
		p.do(chromedp.KeyEvent("\t"))
	}
	p.t.Fatal("Tab does not reach ", selector)
}

// shows waits until an element has a text.
func (p *page) shows(selector, text string) {
	p.t.Helper()
	run(p, chromedp.Poll[bool](`document.querySelector("`+selector+`")?.innerText.includes("`+text+`") ?? false`, chromedp.WithPollingTimeout(5*time.Minute)))
}
