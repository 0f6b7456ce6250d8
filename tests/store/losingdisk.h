/*
 * A disk that loses what was not synchronised, and one that fails: a VFS of
 * SQLite around the system's own.  It stands in the process under test, which
 * may be killed at any call; what it did to the files of one database lies in
 * memory shared with the test, which then cuts the power: of what was written
 * since each file's last sync any part of any write may be lost, in any order.
 */
#ifndef TESTS_LOSINGDISK_H
#define TESTS_LOSINGDISK_H

#include <stdbool.h>
#include <stdint.h>

enum { LOSINGDISK_SECTOR = 512 };

struct losingdisk;

/* The shared memory; fails the test when there is none. */
struct losingdisk *losingdisk_new(const char *database);
void losingdisk_free(struct losingdisk *disk);

/*
 * What is there now is safe, and nothing has been called: to be said before the
 * process under test begins.
 */
void losingdisk_reset(struct losingdisk *disk);

/* In the process under test: SQLite uses the disk from now on. */
void losingdisk_install(struct losingdisk *disk);

/* That process kills itself at this call, counted from 1; 0: never. */
void losingdisk_kill_at(struct losingdisk *disk, uint32_t call);

/*
 * Calls from first on fail, count of them (UINT32_MAX: until count is 0 again),
 * with this SQLite code; SQLITE_FULL and SQLITE_READONLY fail writes only.
 */
void losingdisk_fail(struct losingdisk *disk, uint32_t first, uint32_t count,
                     int code);

/* Calls so far that read, wrote, truncated, synchronised or removed. */
uint32_t losingdisk_calls(const struct losingdisk *disk);

/* And those of them that failed because they were to. */
uint32_t losingdisk_failures(const struct losingdisk *disk);

/*
 * The power goes: the process is dead, the files become what a disk might hold.
 * seed decides what is lost.  Returns how many writes were lost, in whole or in
 * part.
 */
uint32_t losingdisk_cut(struct losingdisk *disk, uint64_t seed);

#endif
