package aixxml

import _ "embed" // of the document type

// DTD is keyman's document type of the vocabulary.
//
//go:embed vpn.dtd
var DTD string
