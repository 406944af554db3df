ENV OMP_NUM_THREADS=1
RUN mkdir -p /var/cache/iris
