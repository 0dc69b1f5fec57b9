"""Reports with kernels of Jupyter's own: for every platform and every language, a pool of workers side by side."""
