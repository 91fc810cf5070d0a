"""From a contract to a verdict: plan, search, judge, reduce."""
