/*
 * What main() is when a fuzz target is built without libFuzzer: every file of
 * the folders (or files) named on the command line goes through the target
 * once.  A finding is a crash or a sanitizer's report; an empty corpus fails.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static size_t
replay_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	struct stat st;
	uint8_t *data;
	size_t len = 0;

	if (f == NULL || fstat(fileno(f), &st) != 0) {
		perror(path);
		exit(1);
	}
	data = malloc((size_t)st.st_size + 1);
	if (data != NULL)
		len = fread(data, 1, (size_t)st.st_size, f);
	(void)fclose(f);
	if (data == NULL || len != (size_t)st.st_size) {
		perror(path);
		exit(1);
	}
	(void)LLVMFuzzerTestOneInput(data, len);
	free(data);
	return 1;
}

static size_t
replay_dir(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	size_t count = 0;
	char name[4096];

	if (dir == NULL)
		return replay_file(path);
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(name, sizeof(name), "%s/%s", path,
		    entry->d_name);
		count += replay_file(name);
	}
	(void)closedir(dir);
	return count;
}

int
main(int argc, char **argv)
{
	size_t count = 0;

	for (int i = 1; i < argc; i++)
		count += replay_dir(argv[i]);
	(void)printf("%zu inputs replayed\n", count);
	return count == 0;
}
