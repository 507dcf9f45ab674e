"""Bounds and evidence that stay valid however often one looks, and whenever one stops.

Each holds a state of fixed size. A sequence is fed in the order of the cohort, by event time, partition and offset; fed
in any batches it has the same bits as in one. Counts are merged, in any order.
"""
