"""A fleet whose gateways lie, for `./dev rig fleet`."""
