"""The linearised world: what a small difference at each node becomes, edge by edge."""
