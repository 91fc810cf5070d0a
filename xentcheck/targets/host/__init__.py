"""Where a target lives: in this process, or in one beside it that is started, waited for, restarted and ended."""
