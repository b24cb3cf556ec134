"""Chaos: every fault a store can show, and a life that goes on meanwhile, mixed at random from a seed (docs/sandbox.md)."""
