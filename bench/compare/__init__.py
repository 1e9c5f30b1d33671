"""`make compare`: compares this gateway with other gateways, in front of the same upstream."""
