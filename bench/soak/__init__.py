"""`make soak`: sends many requests, with faults and clients that leave, and checks that nothing grows."""
