"""Programs for whoever works on Sereno itself; none of them is installed."""
