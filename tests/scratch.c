#include "scratch.h"

#include <ftw.h>
#include <stdio.h>

enum { FILES_OPEN = 16 };

static int
remove_entry(const char *path, const struct stat *info, int type,
             struct FTW *where)
{
	(void)info;
	(void)type;
	(void)where;
	return remove(path);
}

int
scratch_remove(const char *path)
{
	return nftw(path, remove_entry, FILES_OPEN, FTW_DEPTH | FTW_PHYS);
}
