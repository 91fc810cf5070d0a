"""The commands around asv: each does one job, with an exit status that can be relied on."""
