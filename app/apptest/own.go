package apptest

import kit "example.com/latchkey/kit/apptest"

// What the tests of all routes need to know about your own. Later versions of the
// template do not change this file.

// ownResources say what the document cannot say about a resource, by the path of its
// list, such as /bookings.
var ownResources = map[string]kit.Resource{}
