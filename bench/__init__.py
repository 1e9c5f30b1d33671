"""`make bench`: measures the gateway's cost and compares it with Workers that only pass requests on."""
