#include "losingdisk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	JOURNAL_BYTES = 48 * 1024 * 1024, /* of one life of the process */
	FILES = 3,
	PATH_SIZE = 128
};

/* The files of a database, by what stands behind its name. */
static const char *const endings[FILES] = {"", "-wal", "-journal"};

enum change { CHANGE_WRITE, CHANGE_TRUNCATE, CHANGE_SYNC, CHANGE_REMOVE };

/* One entry of the journal; the bytes of a write follow it. */
struct entry {
	uint32_t file;
	uint32_t change; /* enum change */
	uint64_t offset; /* or the new size */
	uint64_t len;
};

/* What a file holds for sure. */
struct image {
	uint8_t *data;
	size_t len;
	bool there;
};

/* What test and process share. */
struct shared {
	_Atomic uint32_t calls;
	_Atomic uint32_t failures;
	_Atomic uint32_t kill_at;
	_Atomic uint32_t fail_first;
	_Atomic uint32_t fail_count;
	_Atomic int fail_code;
	_Atomic uint64_t used; /* bytes of the journal */
	_Alignas(16) uint8_t journal[JOURNAL_BYTES];
};

struct losingdisk {
	char path[PATH_SIZE];
	struct shared *shared;
	struct image safe[FILES]; /* when the process began */
};

/* There is one in a process, as there is one default VFS. */
static struct shared *the_disk;
static const char *the_path;
static sqlite3_vfs *system_vfs;

struct file {
	sqlite3_file base;
	uint32_t number; /* FILES: not of our database */
	sqlite3_file *real;
};

struct losingdisk *
losingdisk_new(const char *database)
{
	struct losingdisk *disk = calloc(1, sizeof(*disk));

	assert_non_null(disk);
	(void)snprintf(disk->path, sizeof(disk->path), "%s", database);
	disk->shared = mmap(NULL, sizeof(*disk->shared), PROT_READ | PROT_WRITE,
	                    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert_true(disk->shared != MAP_FAILED);
	return disk;
}

void
losingdisk_free(struct losingdisk *disk)
{
	for (size_t i = 0; i < FILES; i++)
		free(disk->safe[i].data);
	(void)munmap(disk->shared, sizeof(*disk->shared));
	free(disk);
}

static void
resize(struct image *image, size_t len)
{
	if (len > image->len) {
		image->data = realloc(image->data, len);
		assert_non_null(image->data);
		memset(image->data + image->len, 0, len - image->len);
	}
	image->len = len;
}

static void
path_of(const struct losingdisk *disk, size_t file, char path[PATH_SIZE + 16])
{
	(void)snprintf(path, PATH_SIZE + 16, "%s%s", disk->path, endings[file]);
}

static void
read_image(const char *path, struct image *image)
{
	FILE *f = fopen(path, "rb");
	long len;

	image->there = f != NULL;
	image->len = 0;
	if (f == NULL)
		return;
	assert_int_equal(fseek(f, 0, SEEK_END), 0);
	len = ftell(f);
	rewind(f);
	resize(image, (size_t)len);
	if (len > 0)
		assert_int_equal(fread(image->data, 1, (size_t)len, f), len);
	(void)fclose(f);
}

void
losingdisk_reset(struct losingdisk *disk)
{
	char path[PATH_SIZE + 16];

	disk->shared->calls = 0;
	disk->shared->failures = 0;
	disk->shared->kill_at = 0;
	disk->shared->fail_first = 0;
	disk->shared->fail_count = 0;
	disk->shared->used = 0;
	for (size_t i = 0; i < FILES; i++) {
		path_of(disk, i, path);
		read_image(path, &disk->safe[i]);
	}
}

void
losingdisk_kill_at(struct losingdisk *disk, uint32_t call)
{
	disk->shared->kill_at = call;
}

void
losingdisk_fail(struct losingdisk *disk, uint32_t first, uint32_t count,
                int code)
{
	disk->shared->fail_first = first;
	disk->shared->fail_code = code;
	disk->shared->fail_count = count;
}

uint32_t
losingdisk_calls(const struct losingdisk *disk)
{
	return disk->shared->calls;
}

uint32_t
losingdisk_failures(const struct losingdisk *disk)
{
	return disk->shared->failures;
}

/*
 * The process under test.
 */

static void
note(uint32_t file, enum change change, uint64_t offset, const void *data,
     size_t len)
{
	const struct entry entry = {file, change, offset, len};
	uint64_t used = the_disk->used;
	size_t room = (len + 15) / 16 * 16; /* the next one is aligned, too */

	if (file == FILES)
		return;
	if (used + sizeof(entry) + room > JOURNAL_BYTES)
		abort(); /* the test does more than it should in one life */
	memcpy(&the_disk->journal[used], &entry, sizeof(entry));
	if (len > 0)
		memcpy(&the_disk->journal[used + sizeof(entry)], data, len);
	the_disk->used = used + sizeof(entry) + room;
}

/* Each call begins here: the end of the process, or an error, or SQLITE_OK. */
static int
meet(bool writes)
{
	uint32_t call = ++the_disk->calls;
	uint32_t count = the_disk->fail_count;
	uint32_t first = the_disk->fail_first;
	int code = the_disk->fail_code;
	bool of_writing = code == SQLITE_FULL || code == SQLITE_READONLY;

	if (call == the_disk->kill_at)
		(void)raise(SIGKILL);
	if (count == 0 || call < first ||
	    (count != UINT32_MAX && call - first >= count))
		return SQLITE_OK;
	if (of_writing && !writes)
		return SQLITE_OK;
	the_disk->failures++;
	return code;
}

static struct file *
as_file(sqlite3_file *base)
{
	return (struct file *)base;
}

static int
on_close(sqlite3_file *base)
{
	struct file *f = as_file(base);

	return f->real->pMethods->xClose(f->real);
}

static int
on_read(sqlite3_file *base, void *data, int len, sqlite3_int64 offset)
{
	struct file *f = as_file(base);
	int code = meet(false);

	return code != SQLITE_OK
	           ? code
	           : f->real->pMethods->xRead(f->real, data, len, offset);
}

static int
on_write(sqlite3_file *base, const void *data, int len, sqlite3_int64 offset)
{
	struct file *f = as_file(base);
	int code = meet(true);

	if (code != SQLITE_OK)
		return code;
	note(f->number, CHANGE_WRITE, (uint64_t)offset, data, (size_t)len);
	return f->real->pMethods->xWrite(f->real, data, len, offset);
}

static int
on_truncate(sqlite3_file *base, sqlite3_int64 size)
{
	struct file *f = as_file(base);
	int code = meet(true);

	if (code != SQLITE_OK)
		return code;
	note(f->number, CHANGE_TRUNCATE, (uint64_t)size, NULL, 0);
	return f->real->pMethods->xTruncate(f->real, size);
}

static int
on_sync(sqlite3_file *base, int flags)
{
	struct file *f = as_file(base);
	int code = meet(true);

	(void)flags;
	if (code != SQLITE_OK)
		return code;
	/* The disk of the test is memory: nothing to wait for. */
	note(f->number, CHANGE_SYNC, 0, NULL, 0);
	return SQLITE_OK;
}

static int
on_size(sqlite3_file *base, sqlite3_int64 *size)
{
	struct file *f = as_file(base);

	return f->real->pMethods->xFileSize(f->real, size);
}

static int
on_lock(sqlite3_file *base, int level)
{
	struct file *f = as_file(base);

	return f->real->pMethods->xLock(f->real, level);
}

static int
on_unlock(sqlite3_file *base, int level)
{
	struct file *f = as_file(base);

	return f->real->pMethods->xUnlock(f->real, level);
}

static int
on_check_lock(sqlite3_file *base, int *result)
{
	struct file *f = as_file(base);

	return f->real->pMethods->xCheckReservedLock(f->real, result);
}

static int
on_control(sqlite3_file *base, int what, void *arg)
{
	struct file *f = as_file(base);

	return f->real->pMethods->xFileControl(f->real, what, arg);
}

static int
on_sector_size(sqlite3_file *base)
{
	(void)base;
	return LOSINGDISK_SECTOR;
}

/* Nothing is promised: neither order nor whole sectors. */
static int
on_characteristics(sqlite3_file *base)
{
	(void)base;
	return 0;
}

static const sqlite3_io_methods methods = {
    .iVersion = 1, /* no shared memory: one connection, in exclusive mode */
    .xClose = on_close,
    .xRead = on_read,
    .xWrite = on_write,
    .xTruncate = on_truncate,
    .xSync = on_sync,
    .xFileSize = on_size,
    .xLock = on_lock,
    .xUnlock = on_unlock,
    .xCheckReservedLock = on_check_lock,
    .xFileControl = on_control,
    .xSectorSize = on_sector_size,
    .xDeviceCharacteristics = on_characteristics,
};

static uint32_t
number_of(const char *path)
{
	size_t len = strlen(the_path);

	for (uint32_t i = 0; path != NULL && i < FILES; i++)
		if (strncmp(path, the_path, len) == 0 &&
		    strcmp(path + len, endings[i]) == 0)
			return i;
	return FILES;
}

static int
on_open(sqlite3_vfs *vfs, sqlite3_filename path, sqlite3_file *base, int flags,
        int *out_flags)
{
	struct file *f = as_file(base);
	int code;

	(void)vfs;
	f->number = number_of(path);
	f->real = (sqlite3_file *)(f + 1);
	code = system_vfs->xOpen(system_vfs, path, f->real, flags, out_flags);
	f->base.pMethods = code == SQLITE_OK ? &methods : NULL;
	return code;
}

static int
on_remove(sqlite3_vfs *vfs, const char *path, int sync_dir)
{
	int code = meet(true);

	(void)vfs;
	if (code != SQLITE_OK)
		return code;
	note(number_of(path), CHANGE_REMOVE, 0, NULL, 0);
	if (sync_dir != 0)
		note(number_of(path), CHANGE_SYNC, 0, NULL, 0);
	return system_vfs->xDelete(system_vfs, path, sync_dir);
}

void
losingdisk_install(struct losingdisk *disk)
{
	static sqlite3_vfs vfs;

	the_disk = disk->shared;
	the_path = disk->path;
	system_vfs = sqlite3_vfs_find(NULL);
	vfs = *system_vfs;
	vfs.zName = "losingdisk";
	vfs.szOsFile = (int)sizeof(struct file) + system_vfs->szOsFile;
	vfs.xOpen = on_open;
	vfs.xDelete = on_remove;
	if (sqlite3_vfs_register(&vfs, 1) != SQLITE_OK)
		abort();
}

/*
 * The test, when the power has gone.
 */

static uint64_t
next_random(uint64_t *seed)
{
	uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static void
write_part(struct image *image, uint64_t offset, const uint8_t *data,
           size_t len)
{
	image->there = true;
	if (offset + len > image->len)
		resize(image, offset + len);
	memcpy(image->data + offset, data, len);
}

static void
apply(struct image *image, const struct entry *entry, const uint8_t *data)
{
	switch ((enum change)entry->change) {
	case CHANGE_WRITE:
		write_part(image, entry->offset, data, entry->len);
		return;
	case CHANGE_TRUNCATE:
		resize(image, entry->offset);
		return;
	case CHANGE_REMOVE:
		resize(image, 0);
		image->there = false;
		return;
	case CHANGE_SYNC:
		return;
	}
}

/* Sector by sector: there or not there.  True: something was lost. */
static bool
apply_perhaps(struct image *image, const struct entry *entry,
              const uint8_t *data, uint64_t *seed)
{
	uint64_t luck = next_random(seed) % 4;
	bool lost = false;

	if (luck == 0)
		return true;
	if (luck < 3 || entry->change != CHANGE_WRITE) {
		apply(image, entry, data);
		return false;
	}
	for (uint64_t at = 0; at < entry->len;) {
		uint64_t to_end = LOSINGDISK_SECTOR -
		                  (entry->offset + at) % LOSINGDISK_SECTOR;
		uint64_t left = entry->len - at;
		uint64_t len = to_end < left ? to_end : left;

		if (next_random(seed) % 2 == 0)
			write_part(image, entry->offset + at, data + at, len);
		else
			lost = true;
		at += len;
	}
	return lost;
}

/* The entry at a place of the journal, and the place of the one after it. */
static const uint8_t *
entry_at(const struct losingdisk *disk, uint64_t *at, struct entry *entry)
{
	const uint8_t *data = &disk->shared->journal[*at + sizeof(*entry)];

	memcpy(entry, &disk->shared->journal[*at], sizeof(*entry));
	*at += sizeof(*entry) + (entry->len + 15) / 16 * 16;
	return data;
}

/* Where the journal has the file's last sync; 0: nowhere. */
static uint64_t
last_sync(const struct losingdisk *disk, uint32_t file)
{
	uint64_t found = 0;
	struct entry entry;

	for (uint64_t at = 0; at < disk->shared->used;) {
		(void)entry_at(disk, &at, &entry);
		if (entry.file == file && entry.change == CHANGE_SYNC)
			found = at;
	}
	return found;
}

static void
write_after(const char *path, const struct image *image)
{
	FILE *f;

	if (!image->there) {
		(void)unlink(path);
		return;
	}
	f = fopen(path, "wb");
	assert_non_null(f);
	if (image->len > 0)
		assert_int_equal(fwrite(image->data, 1, image->len, f),
		                 image->len);
	assert_int_equal(fclose(f), 0);
}

static uint32_t
cut_file(struct losingdisk *disk, uint32_t file, uint64_t *seed)
{
	uint64_t synced = last_sync(disk, file);
	struct image *image = &disk->safe[file];
	char path[PATH_SIZE + 16];
	struct entry entry;
	uint32_t lost = 0;

	for (uint64_t at = 0; at < disk->shared->used;) {
		const uint8_t *data = entry_at(disk, &at, &entry);

		if (entry.file != file)
			continue;
		if (at <= synced)
			apply(image, &entry, data);
		else
			lost += apply_perhaps(image, &entry, data, seed);
	}
	path_of(disk, file, path);
	write_after(path, image);
	return lost;
}

uint32_t
losingdisk_cut(struct losingdisk *disk, uint64_t seed)
{
	uint32_t lost = 0;

	for (uint32_t file = 0; file < FILES; file++)
		lost += cut_file(disk, file, &seed);
	return lost;
}
