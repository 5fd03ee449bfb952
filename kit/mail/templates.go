package mail

import (
	"bytes"
	"errors"
	html "html/template"
	"io/fs"
	"strconv"
	"strings"
	text "text/template"
	"time"
)

type content struct{ subject, text, html string }

// view is what the templates see.
type view struct {
	Service string
	Subject string
	Data    any
}

// functions are the functions of the templates.
var functions = map[string]any{"duration": duration}

// render makes the content of a mail.
func render(texts fs.FS, name, service string, data any) (content, error) {
	of := view{Service: service, Data: data}
	plain, err := text.New(name+".txt").Funcs(functions).Option("missingkey=error").ParseFS(texts, name+".txt")
	if err != nil {
		return content{}, err
	}
	var out bytes.Buffer
	if err := plain.Execute(&out, of); err != nil {
		return content{}, err
	}
	subject, body, _ := strings.Cut(strings.ReplaceAll(out.String(), "\r\n", "\n"), "\n\n")
	subject, found := strings.CutPrefix(subject, "Subject: ")
	if !found {
		return content{}, errors.New(name + ".txt does not begin with its subject and an empty line")
	}
	of.Subject = strings.Join(strings.Fields(subject), " ") // without line ends, which would begin another header
	styled, err := html.New("layout.html").Funcs(functions).Option("missingkey=error").ParseFS(texts, "layout.html", name+".html")
	if err != nil {
		return content{}, err
	}
	out.Reset()
	err = styled.Execute(&out, of)
	return content{of.Subject, body, out.String()}, err
}

// duration writes a duration in words, such as 24 hours.
func duration(d time.Duration) string {
	n, unit := int(d/time.Minute), "minute"
	if d%time.Hour == 0 {
		n, unit = int(d/time.Hour), "hour"
	}
	if n != 1 {
		unit += "s"
	}
	return strconv.Itoa(n) + " " + unit
}
