"""What stores push: received and kept, worked on by a worker, looked after at the store."""
