"""`make soak`: very many requests, with faults and clients that leave; what must not grow, does it grow?"""
