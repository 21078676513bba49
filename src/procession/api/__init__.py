"""HTTP and the live channel: an edge that parses, sends one command or runs one query, and answers."""
