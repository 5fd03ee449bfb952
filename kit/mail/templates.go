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

// view is what the templates see.
type view struct {
	Service string
	Subject string
	Data    any
}

// functions are the functions of the templates.
var functions = map[string]any{"duration": duration}

// render makes the subject, the text and the HTML of a mail.
func render(texts fs.FS, name, service string, data any) (mail KeptMail, err error) {
	plain, plainErr := text.New(name+".txt").Funcs(functions).Option("missingkey=error").ParseFS(texts, name+".txt")
	styled, styledErr := html.New("layout.html").Funcs(functions).Option("missingkey=error").ParseFS(texts, "layout.html", name+".html")
	if err := errors.Join(plainErr, styledErr); err != nil {
		return mail, err
	}
	of := view{Service: service, Data: data}
	var out bytes.Buffer
	if err := plain.Execute(&out, of); err != nil {
		return mail, err
	}
	subject, body, _ := strings.Cut(strings.ReplaceAll(out.String(), "\r\n", "\n"), "\n\n")
	subject, found := strings.CutPrefix(subject, "Subject: ")
	if !found {
		return mail, errors.New(name + ".txt does not begin with its subject and an empty line")
	}
	of.Subject = strings.Join(strings.Fields(subject), " ") // without line ends, which would begin another header
	out.Reset()
	err = styled.Execute(&out, of)
	return KeptMail{Subject: of.Subject, Text: body, HTML: out.String()}, err
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
