"""What happens in a process: `decide` says what follows from a command, `apply` what an event means. Pure."""
