"""Reports: what a plant did in a day, a shift or a month, made on time, kept, and sent."""
