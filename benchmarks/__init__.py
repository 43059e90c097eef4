"""Side by side with a peer, in the same run on the same machine: ``make bench-NAME``."""
