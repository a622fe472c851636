// SPDX-License-Identifier: GPL-2.0
/*
 * IRQCHIP_GET gives what IRQCHIP_SET took, chip by chip, and impossible states
 * are refused without a change.
 */
#include "hvt.h"

static struct hvmon_irqchip get(struct hvt_vm *vm, u32 chip)
{
	HVT_DEFINE_ARG(hvmon_irqchip, arg, .chip = chip);

	SYS(ioctl(vm->fd, HVMON_IRQCHIP_GET, &arg));
	return arg;
}

int main(void)
{
	struct hvt_vm *vm = hvt_vm();
	struct hvmon_irqchip pic, ioapic, pit, back;

	hvt_irqchip(vm, HVMON_IRQCHIP_PIT);
	pic = get(vm, HVMON_CHIP_PIC_MASTER);
	pic.state.pic.irq_base = 0x30;
	pic.state.pic.imr = 0xfb;
	SYS(ioctl(vm->fd, HVMON_IRQCHIP_SET, &pic));
	back = get(vm, HVMON_CHIP_PIC_MASTER);
	CHECK(!memcmp(&pic, &back, sizeof(pic)), "PIC");

	ioapic = get(vm, HVMON_CHIP_IOAPIC);
	ioapic.state.ioapic.redir[5] = (3ULL << 56) | 0x10035;	/* masked */
	SYS(ioctl(vm->fd, HVMON_IRQCHIP_SET, &ioapic));
	back = get(vm, HVMON_CHIP_IOAPIC);
	CHECK_EQ(back.state.ioapic.redir[5], ioapic.state.ioapic.redir[5]);

	pit = get(vm, HVMON_CHIP_PIT);
	pit.state.pit.channel[2].count = 0x4321;
	pit.state.pit.channel[2].mode = 3;
	SYS(ioctl(vm->fd, HVMON_IRQCHIP_SET, &pit));
	back = get(vm, HVMON_CHIP_PIT);
	CHECK_EQ(back.state.pit.channel[2].count, 0x4321);
	CHECK_EQ(back.state.pit.channel[2].mode, 3);

	pit.state.pit.channel[2].mode = 6;
	REFUSED(ioctl(vm->fd, HVMON_IRQCHIP_SET, &pit), EINVAL);
	pit.state.pit.channel[2].mode = 3;
	pit.state.pit.channel[2].count = 65537;
	REFUSED(ioctl(vm->fd, HVMON_IRQCHIP_SET, &pit), EINVAL);
	back = get(vm, HVMON_CHIP_PIT);
	CHECK_EQ(back.state.pit.channel[2].count, 0x4321);
	pic.state.pic.init_state = 4;
	REFUSED(ioctl(vm->fd, HVMON_IRQCHIP_SET, &pic), EINVAL);
	back = get(vm, HVMON_CHIP_PIC_MASTER);
	CHECK_EQ(back.state.pic.init_state, 0);
	CHECK_EQ(back.state.pic.irq_base, 0x30);
	return 0;
}
