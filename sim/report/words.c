// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Numbers, errors and outcomes in words: the same in every report, at the
 * prompt and over the machine interface.
 */
#include <string.h>

#include "report_private.h"

/* Linux's numbers, which are not those of every libc (asm-generic/errno*.h). */
static const char *const errno_names[] = {
	[1] = "EPERM",	     [2] = "ENOENT",	     [3] = "ESRCH",	  [4] = "EINTR",
	[5] = "EIO",	     [6] = "ENXIO",	     [7] = "E2BIG",	  [8] = "ENOEXEC",
	[9] = "EBADF",	     [10] = "ECHILD",	     [11] = "EAGAIN",	  [12] = "ENOMEM",
	[13] = "EACCES",     [14] = "EFAULT",	     [15] = "ENOTBLK",	  [16] = "EBUSY",
	[17] = "EEXIST",     [18] = "EXDEV",	     [19] = "ENODEV",	  [20] = "ENOTDIR",
	[21] = "EISDIR",     [22] = "EINVAL",	     [23] = "ENFILE",	  [24] = "EMFILE",
	[25] = "ENOTTY",     [26] = "ETXTBSY",	     [27] = "EFBIG",	  [28] = "ENOSPC",
	[29] = "ESPIPE",     [30] = "EROFS",	     [31] = "EMLINK",	  [32] = "EPIPE",
	[33] = "EDOM",	     [34] = "ERANGE",	     [35] = "EDEADLK",	  [36] = "ENAMETOOLONG",
	[37] = "ENOLCK",     [38] = "ENOSYS",	     [39] = "ENOTEMPTY",  [40] = "ELOOP",
	[42] = "ENOMSG",     [61] = "ENODATA",	     [62] = "ETIME",	  [71] = "EPROTO",
	[75] = "EOVERFLOW",  [84] = "EILSEQ",	     [95] = "EOPNOTSUPP", [105] = "ENOBUFS",
	[110] = "ETIMEDOUT", [111] = "ECONNREFUSED", [114] = "EALREADY",  [115] = "EINPROGRESS",
	[116] = "ESTALE",    [125] = "ECANCELED",    [133] = "EHWPOISON",
};

const char *errno_name(int err)
{
	if (err <= 0 || (size_t)err >= G_N_ELEMENTS(errno_names))
		return NULL;
	return errno_names[err];
}

int errno_from_name(const char *name)
{
	for (size_t i = 1; i < G_N_ELEMENTS(errno_names); i++)
		if (errno_names[i] && !strcmp(errno_names[i], name))
			return (int)i;
	return 0;
}

static char *value_words(const struct outcome *o)
{
	s64 v = (s64)o->value;

	if (!o->is_signed)
		return g_strdup_printf(o->value < 10 ? "%" PRIu64 : "0x%" PRIx64, o->value);
	if (v < 0 && v >= -4095 && errno_name((int)-v))
		return g_strdup_printf("-%s", errno_name((int)-v));
	/* A call may give an address as well as a count. */
	if (v > 0xffff)
		return g_strdup_printf("0x%" PRIx64, (u64)v);
	return g_strdup_printf("%" PRId64, v);
}

char *report_outcome_words(const struct outcome *o, const struct el2_panic *p)
{
	if (o->kind == OUTCOME_VALUE)
		return value_words(o);
	if (o->kind != OUTCOME_PANIC || !p || !p->happened)
		return g_strdup(outcome_word(o));
	return g_strdup_printf("panic: %s in %s%s%s%s", p->reason, p->fn ? p->fn : "EL2",
			       p->what[0] ? " (" : "", p->what, p->what[0] ? ")" : "");
}

void json_append_string(GString *out, const char *s)
{
	g_autofree char *valid = NULL;

	if (!s) {
		g_string_append(out, "null");
		return;
	}
	if (!g_utf8_validate(s, -1, NULL))
		s = valid = g_utf8_make_valid(s, -1);
	g_string_append_c(out, '"');
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			g_string_append_printf(out, "\\%c", c);
		else if (c == '\n')
			g_string_append(out, "\\n");
		else if (c == '\t')
			g_string_append(out, "\\t");
		else if (c < 0x20 || c == 0x7f)
			g_string_append_printf(out, "\\u%04x", c);
		else
			g_string_append_c(out, (char)c);
	}
	g_string_append_c(out, '"');
}

char *size_words(u64 bytes)
{
	static const char unit[] = " KMGTPE";
	unsigned int exact = 0, whole = 0;

	while (bytes && unit[exact + 1] && !(bytes & (BIT(10 * (exact + 1)) - 1)))
		exact++;
	while (unit[whole + 1] && bytes >> (10 * (whole + 1)))
		whole++;
	/* four digits are read at a glance: larger numbers in the next unit, to one decimal */
	if (bytes >> (10 * exact) > 9999)
		return g_strdup_printf("%.1f%c", (double)bytes / (double)BIT(10 * whole),
				       unit[whole]);
	if (!exact)
		return g_strdup_printf("%" PRIu64, bytes);
	return g_strdup_printf("%" PRIu64 "%c", bytes >> (10 * exact), unit[exact]);
}

void append_indented(GString *out, const char *text, const char *indent)
{
	while (*text) {
		size_t n = strcspn(text, "\n");

		g_string_append_printf(out, "%s%.*s\n", n ? indent : "", (int)n, text);
		text += n + (text[n] == '\n');
	}
}
