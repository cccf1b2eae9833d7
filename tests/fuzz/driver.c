// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Runs every file of a directory through a fuzz target once: the corpus as a test.
 */
#include <glib.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char **argv)
{
	GDir *dir = argc == 2 ? g_dir_open(argv[1], 0, NULL) : NULL;
	const char *name;
	unsigned int n = 0;

	while (dir && (name = g_dir_read_name(dir))) {
		g_autofree char *path = g_build_filename(argv[1], name, NULL);
		g_autofree char *data = NULL;
		gsize size;

		if (g_file_get_contents(path, &data, &size, NULL)) {
			LLVMFuzzerTestOneInput((const uint8_t *)data, size);
			n++;
		}
	}
	if (dir)
		g_dir_close(dir);
	g_print("%u inputs\n", n);
	return !n;
}
