/* What a test made on the disk, when it is over. */
#ifndef TESTS_SCRATCH_H
#define TESTS_SCRATCH_H

/* Remove a directory and all that is in it; 0 or, as nftw(3), not. */
int scratch_remove(const char *path);

#endif
