"""The rules that a drawing must keep: small validators, each with a name and a sentence."""
