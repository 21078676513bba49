"""One file per BPMN element: what a token does on it. `registry` is the closed table of them."""
