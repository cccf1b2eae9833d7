/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The built-in boards, as the scenario language's page lists them. `virt` has
 * the map of QEMU's machine of that name; `tiny` has RAM that ends inside 2 MiB
 * blocks, with a device between.
 */
#include "board_private.h"

#define K UINT64_C(1024)
#define M (K * 1024)
#define G (M * 1024)
#define T (G * 1024)

struct machine_row {
	const char *name, *doc;
	u8 page_shift, pa_bits;
	unsigned int n_cpus;
	struct ram_region ram[5];   /* ends at size 0 */
	struct mmio_window mmio[8]; /* ends at size 0 */
};

static const struct machine_row machines[] = {
	{
		"virt",
		"QEMU virt: 2 CPUs, 1 GiB of RAM, GIC with ITS, SMMU",
		12,
		40,
		2,
		{ { 0x40000000, G, false } },
		{
			{ "gicd", 0x08000000, 64 * K, WINDOW_REGS },
			{ "its", 0x08080000, 128 * K, WINDOW_REGS },
			{ "gicr", 0x080a0000, 15 * M, WINDOW_REGS },
			{ "uart", 0x09000000, 4 * K, WINDOW_REGS },
			{ "rtc", 0x09010000, 4 * K, WINDOW_REGS },
			{ "smmu", 0x09050000, 128 * K, WINDOW_REGS },
			{ "dma", 0x0a000000, 4 * K, WINDOW_DMA },
		},
	},
	{
		"phone",
		"a phone: 4 CPUs, 4 GiB of RAM in two banks with a firmware carve-out",
		12,
		40,
		4,
		{
			{ 0x80000000, G, false },
			{ 0xc0000000, 16 * M, true },
			{ 0xc1000000, 1008 * M, false },
			{ 0x880000000, 2 * G, false },
		},
		{
			{ "uart", 0x10000000, 4 * K, WINDOW_REGS },
			{ "gicd", 0x12000000, 64 * K, WINDOW_REGS },
			{ "its", 0x12040000, 128 * K, WINDOW_REGS },
			{ "smmu", 0x15000000, 512 * K, WINDOW_REGS },
			{ "dma", 0x16000000, 4 * K, WINDOW_DMA },
			{ "pcie", 0x40000000, 512 * M, WINDOW_REGS },
		},
	},
	{
		"server48",
		"a server: 4 CPUs, 64 GiB of RAM, 48 bits, a PCIe window of 1 TiB",
		12,
		48,
		4,
		{ { 0x80000000, 2 * G, false }, { 0x8080000000, 62 * G, false } },
		{
			{ "uart", 0x10000000, 4 * K, WINDOW_REGS },
			{ "gicd", 0x20000000, 64 * K, WINDOW_REGS },
			{ "its", 0x20040000, 128 * K, WINDOW_REGS },
			{ "smmu", 0x1000000000, 512 * K, WINDOW_REGS },
			{ "pcie", 0x400000000000, T, WINDOW_REGS },
			{ "dma", 0x30000000, 4 * K, WINDOW_DMA },
		},
	},
	{
		"tiny",
		"16 MiB in two unaligned pieces with a device page between",
		12,
		40,
		2,
		{ { 0x40000000, 0x801000, false }, { 0x40c03000, 0x7fd000, false } },
		{
			{ "uart", 0x09000000, 4 * K, WINDOW_REGS },
			{ "gap", 0x40801000, 4 * K, WINDOW_REGS },
			{ "dma", 0x0a000000, 4 * K, WINDOW_DMA },
		},
	},
};

static const char *const machine_names[] = { "virt", "phone", "server48", "tiny", NULL };

static const struct machine_row *machine_find(const char *name)
{
	for (gsize i = 0; i < G_N_ELEMENTS(machines); i++)
		if (g_str_equal(machines[i].name, name))
			return &machines[i];
	return NULL;
}

const char *const *board_machine_names(void)
{
	return machine_names;
}

const char *board_machine_doc(const char *name)
{
	const struct machine_row *m = machine_find(name);

	return m ? m->doc : NULL;
}

/*
 * Features are those of the machine that the recordings were made on: FEAT_S2FWB
 * and the hardware access flag, nothing else.
 */
struct board_config *board_config_machine(const char *name)
{
	const struct machine_row *m = machine_find(name);
	struct board_config *c;

	if (!m)
		return NULL;
	c = g_new0(struct board_config, 1);
	g_strlcpy(c->name, m->name, sizeof(c->name));
	c->f.page_shift = m->page_shift;
	c->f.pa_bits = m->pa_bits;
	c->f.fwb = true;
	c->f.hafdbs = true;
	c->n_cpus = m->n_cpus;
	c->ram = g_array_new(FALSE, TRUE, sizeof(struct ram_region));
	c->mmio = g_array_new(FALSE, TRUE, sizeof(struct mmio_window));
	for (gsize i = 0; i < G_N_ELEMENTS(m->ram) && m->ram[i].size; i++)
		g_array_append_val(c->ram, m->ram[i]);
	for (gsize i = 0; i < G_N_ELEMENTS(m->mmio) && m->mmio[i].size; i++)
		g_array_append_val(c->mmio, m->mmio[i]);
	return c;
}
