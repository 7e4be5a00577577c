"""A document's definitions as source code of its own: NumPy, PyTorch, JAX and TensorFlow, without this package."""
