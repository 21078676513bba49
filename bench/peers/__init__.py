"""Others on the same workloads. Each runs from the folder of the bench: `cd bench; python -m peers.spiff`."""
