package endpoint

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// CheckRoutes returns an error that names each route that cannot work, and both of two
// routes with the same path or the same operationId. It is quick, so that it can run
// at each start.
func CheckRoutes(routes []Route) error {
	paths, operations := map[string]Route{}, map[string]Route{}
	all := names{}
	seen := seenTypes{typeCheck{visited{}, all}, typeCheck{visited{}, all}, visited{}}
	var errs []error
	for _, route := range routes {
		if other, found := paths[route.Method+route.Path]; found {
			errs = append(errs, fmt.Errorf("%s %s is in the table twice: for %s and for %s", route.Method, route.Path, other.function, route.function))
			continue
		}
		paths[route.Method+route.Path] = route
		err := route.check(seen)
		_, id := tagAndID(route)
		if other, taken := operations[id]; taken {
			err = errors.Join(err, fmt.Errorf("has the operationId %s, like %s %s: rename its function, or set another with Operation", id, other.Method, other.Path))
		}
		operations[id] = route
		if err != nil {
			errs = append(errs, fmt.Errorf("%s %s: %w", route.Method, route.Path, err))
		}
	}
	return errors.Join(errs...)
}

// seenTypes are the types that were checked for the routes before.
type seenTypes struct {
	inputs, answers typeCheck
	rules           visited
}

func (r Route) check(seen seenTypes) error {
	if r.bindErr != nil {
		return r.bindErr
	}
	var errs []error
	names := pathNames(r.Path)
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			errs = append(errs, fmt.Errorf("has the parameter %s twice in its path", name))
		}
	}
	if r.out != nil && !r.isFile() && len(r.media) == 0 {
		errs = append(errs, seen.answers.check(typeUse{r.out, asAnswer}))
	}
	if r.in != nil {
		errs = append(errs, r.checkInput(seen.inputs), seen.rules.checkRules(r.in))
	}
	return errors.Join(errs...)
}

// checkInput returns an error that names a field whose type JSON cannot represent.
func (r Route) checkInput(seen typeCheck) error {
	for _, tag := range r.bind.bodies {
		if tag == tagBody {
			continue
		}
		if err := seen.names.reserve(bodyName(r.in, tag), typeUse{r.in, asInput}); err != nil {
			return err
		}
	}
	for _, tag := range tags[:len(tags)-1] { // the unparsed body is bytes
		for _, name := range slices.Sorted(maps.Keys(r.bind.fields[tag])) {
			field := r.in.FieldByIndex(r.bind.fields[tag][name])
			if isFile(field.Type) {
				continue
			}
			if err := seen.check(typeUse{pointee(field.Type), asInput}); err != nil {
				return fmt.Errorf("%s: %w", field.Name, err)
			}
		}
	}
	return nil
}
