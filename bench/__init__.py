"""`make bench`: what the gateway costs beside Workers that only pass requests on, in one run."""
