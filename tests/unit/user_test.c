// SPDX-License-Identifier: GPL-2.0
/* User networking, from the device's side: this is the guest */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/ethernet.h>
#include <netinet/if_ether.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keeper.h"
#include "netback.h"
#include "unit.h"

#define HEADER	sizeof(struct virtio_net_hdr_mrg_rxbuf)

static struct options options;
static struct netback nb;
/* The last packet, without its header; what follows the Ethernet header is aligned */
static uint8_t frame[4096] __attribute__((aligned(4)));
static uint8_t *const in = frame + 2;

struct udp_packet {
	struct ether_header eth;
	struct iphdr ip;
	struct udphdr udp;
	uint8_t data[512];
} __attribute__((packed));

struct dhcp {
	uint8_t op, htype, hlen, hops;
	uint32_t xid;
	uint16_t secs, flags;
	uint32_t ciaddr, yiaddr, siaddr, giaddr;
	uint8_t chaddr[16], names[192];
	uint32_t cookie;
	uint8_t option[64];
} __attribute__((packed));

static void packet_out(const void *packet, size_t len)
{
	uint8_t buf[4096] = { 0 };

	memcpy(buf + HEADER, packet, len);
	expect(write(nb.fd[0], buf, HEADER + len) == (ssize_t)(HEADER + len));
}

/* A packet within @ms; 0 if there was none */
static size_t packet_in(int ms)
{
	struct pollfd p = { .fd = nb.fd[0], .events = POLLIN };
	uint8_t buf[4096];
	ssize_t n;

	if (poll(&p, 1, ms) != 1)
		return 0;
	n = read(nb.fd[0], buf, sizeof(buf));
	if (n <= (ssize_t)HEADER)
		return 0;
	n = n - HEADER < 4000 ? n : (ssize_t)HEADER + 4000;
	memcpy(in, buf + HEADER, n - HEADER);
	return n - HEADER;
}

/* Answers for 10.0.2.15 */
static void answer_arp(void)
{
	struct {
		struct ether_header eth;
		struct ether_arp arp;
	} __attribute__((packed)) a;

	memcpy(&a, in, sizeof(a));
	memcpy(a.eth.ether_dhost, a.eth.ether_shost, 6);
	memcpy(a.eth.ether_shost, nb.mac, 6);
	a.arp.ea_hdr.ar_op = htons(ARPOP_REPLY);
	memcpy(a.arp.arp_tha, a.arp.arp_sha, 6);
	memcpy(a.arp.arp_tpa, a.arp.arp_spa, 4);
	memcpy(a.arp.arp_sha, nb.mac, 6);
	inet_pton(AF_INET, USER_GUEST, a.arp.arp_spa);
	packet_out(&a, sizeof(a));
}

/* An IP packet of @protocol; who asks for the guest's address on the way is told */
static const struct iphdr *ip_in(int protocol, int ms)
{
	const struct ether_header *eth = (void *)in;
	const struct iphdr *ip = (void *)(in + sizeof(*eth));

	for (int i = 0; i < 20 && packet_in(ms); i++) {
		if (eth->ether_type == htons(ETHERTYPE_ARP))
			answer_arp();
		else if (eth->ether_type == htons(ETHERTYPE_IP) && ip->protocol == protocol)
			return ip;
	}
	return NULL;
}

static uint16_t ip_sum(const void *data, size_t len)
{
	const uint16_t *p = data;
	uint32_t sum = 0;

	for (size_t i = 0; i < len / 2; i++)
		sum += p[i];
	sum = (sum >> 16) + (sum & 0xffff);
	return ~(sum + (sum >> 16));
}

static void udp_out(const char *from, const char *to, uint16_t sport, uint16_t dport,
		    const void *data, size_t len)
{
	struct udp_packet p = {
		.eth.ether_dhost = { 0x52, 0x55, 10, 0, 2, 2 },
		.eth.ether_type = htons(ETHERTYPE_IP),
		.ip.ihl = 5,
		.ip.version = 4,
		.ip.ttl = 64,
		.ip.protocol = IPPROTO_UDP,
		.ip.tot_len = htons(sizeof(p.ip) + sizeof(p.udp) + len),
		.udp.source = htons(sport),
		.udp.dest = htons(dport),
		.udp.len = htons(sizeof(p.udp) + len),
	};

	if (!strcmp(to, "255.255.255.255"))
		memset(p.eth.ether_dhost, 0xff, 6);
	memcpy(p.eth.ether_shost, nb.mac, 6);
	inet_pton(AF_INET, from, &p.ip.saddr);
	inet_pton(AF_INET, to, &p.ip.daddr);
	p.ip.check = ip_sum(&p.ip, sizeof(p.ip));
	memcpy(p.data, data, len);
	packet_out(&p, offsetof(struct udp_packet, data) + len);
}

/* A socket of the host on 127.0.0.1, and its port */
static int host_socket(int type, uint16_t *port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, type, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, (void *)&sin, sizeof(sin)) || getsockname(fd, (void *)&sin, &len))
		exit(1);
	*port = ntohs(sin.sin_port);
	return fd;
}

static int host_connect(int type, uint16_t port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, type, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return connect(fd, (void *)&sin, sizeof(sin)) ? -1 : fd;
}

static int open_user(struct net_options *opt)
{
	opt->name = "user";
	netback_announce(opt);
	return keeper_start(&options) ? -1 : netback_open(&nb, opt, 0);
}

static void close_user(void)
{
	netback_close(&nb);
	keeper_stop();
}

static void test_dhcp(void)
{
	static const uint8_t discover[] = { 53, 1, 1, 255 };
	struct net_options opt = { 0 };
	struct dhcp d = { .op = 1, .htype = 1, .hlen = 6, .xid = 0x1234 };
	const struct iphdr *ip;
	const struct dhcp *reply;

	claim("user: DHCP gives the guest its address");
	expect(!open_user(&opt));
	expect(!nb.offloads && !(nb.mac[0] & 1) && nb.mac[0] & 2);
	memcpy(d.chaddr, nb.mac, 6);
	d.cookie = htonl(0x63825363);
	memcpy(d.option, discover, sizeof(discover));
	udp_out("0.0.0.0", "255.255.255.255", 68, 67, &d, sizeof(d));
	ip = ip_in(IPPROTO_UDP, 2000);
	expect(ip);
	if (ip) {
		reply = (void *)((const uint8_t *)(ip + 1) + sizeof(struct udphdr));
		expect(reply->op == 2 && reply->xid == 0x1234);
		expect(reply->yiaddr == inet_addr(USER_GUEST));
	}
	close_user();
}

static void test_forward(void)
{
	uint16_t tcp, udp;
	int held[2] = { host_socket(SOCK_STREAM, &tcp), host_socket(SOCK_DGRAM, &udp) };
	struct net_options opt = {
		.loopback = true,
		.forwards = 2,
		.forward = {
			{ "tcp", false, htonl(INADDR_LOOPBACK), 0, tcp, 22 },
			{ "udp", true, htonl(INADDR_LOOPBACK), 0, udp, 53 },
		},
	};
	const struct iphdr *ip;
	const struct tcphdr *th;
	const struct udphdr *uh;
	struct timeval limit = { .tv_sec = 5 };
	char got[16] = "";
	int fd;

	claim("user: what comes to a forwarded port of the host reaches the guest");
	/* Nobody else gets the ports in this instant */
	close(held[0]);
	close(held[1]);
	expect(!open_user(&opt));
	fd = host_connect(SOCK_STREAM, tcp);
	expect(fd >= 0);
	ip = ip_in(IPPROTO_TCP, 2000);
	expect(ip);
	if (ip) {
		th = (void *)(ip + 1);
		expect(th->syn && !th->ack && th->dest == htons(22));
		expect(ip->daddr == inet_addr(USER_GUEST) && ip->saddr == inet_addr(USER_HOST));
	}
	close(fd);

	fd = host_connect(SOCK_DGRAM, udp);
	expect(send(fd, "hello", 5, 0) == 5);
	ip = ip_in(IPPROTO_UDP, 2000);
	expect(ip);
	if (ip) {
		uh = (void *)(ip + 1);
		expect(uh->dest == htons(53) && !memcmp(uh + 1, "hello", 5));
		udp_out(USER_GUEST, USER_HOST, 53, ntohs(uh->source), "world", 5);
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
		expect(recv(fd, got, sizeof(got), 0) == 5 && !strcmp(got, "world"));
	}
	close(fd);
	close_user();

	claim("user: with the back end its process and its ports are gone");
	expect(host_connect(SOCK_STREAM, tcp) < 0);
	expect(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
}

/* To the port of a TCP packet that came: @flags, and @len bytes of data */
static void tcp_out(const struct iphdr *ip, uint32_t seq, uint8_t flags, size_t len)
{
	const struct tcphdr *th = (void *)(ip + 1);
	struct {
		struct ether_header eth;
		struct iphdr ip;
		struct tcphdr tcp;
		uint8_t data[8];
	} __attribute__((packed)) p = {
		.eth.ether_dhost = { 0x52, 0x55, 10, 0, 2, 2 },
		.eth.ether_type = htons(ETHERTYPE_IP),
		.ip = { .ihl = 5, .version = 4, .ttl = 64, .protocol = IPPROTO_TCP,
			.tot_len = htons(sizeof(p.ip) + sizeof(p.tcp) + len),
			.saddr = ip->daddr, .daddr = ip->saddr },
		.tcp = { .th_sport = th->dest, .th_dport = th->source, .th_seq = htonl(seq),
			 .th_ack = htonl(ntohl(th->seq) + 1), .th_off = 5, .th_flags = flags,
			 .th_win = htons(65535) },
	};
	/* The sum is over these too: RFC 793, 3.1 */
	struct {
		uint32_t saddr, daddr;
		uint16_t protocol, len;
		struct tcphdr tcp;
		uint8_t data[8];
	} sum = { .saddr = p.ip.saddr, .daddr = p.ip.daddr, .protocol = htons(IPPROTO_TCP),
		  .len = htons(sizeof(p.tcp) + len) };

	memcpy(p.eth.ether_shost, nb.mac, 6);
	p.ip.check = ip_sum(&p.ip, sizeof(p.ip));
	memcpy(&sum.tcp, &p.tcp, sizeof(p.tcp));
	p.tcp.check = ip_sum(&sum, sizeof(sum));
	packet_out(&p, offsetof(__typeof__(p), data) + len);
}

static void test_reset(void)
{
	uint16_t tcp;
	int held = host_socket(SOCK_STREAM, &tcp);
	struct net_options opt = {
		.loopback = true,
		.forwards = 1,
		.forward = { { "tcp", false, htonl(INADDR_LOOPBACK), 0, tcp, 22 } },
	};
	struct iphdr copy[2];
	const struct iphdr *ip;
	int fd;

	claim("user: a connection that the host closes while the guest speaks costs nothing else");
	close(held);
	expect(!open_user(&opt));
	fd = host_connect(SOCK_STREAM, tcp);
	ip = ip_in(IPPROTO_TCP, 2000);
	expect(fd >= 0 && ip);
	if (ip) {
		memcpy(copy, ip, sizeof(copy));
		tcp_out(copy, 1, TH_SYN | TH_ACK, 0);
		expect(ip_in(IPPROTO_TCP, 2000));
		close(fd);
		for (int i = 0; i < 3; i++) {
			while (packet_in(100))
				;
			tcp_out(copy, 2 + 8 * i, TH_ACK | TH_PUSH, 8);
		}
	}
	while (packet_in(300))
		;
	expect(host_connect(SOCK_STREAM, tcp) >= 0);
	expect(ip_in(IPPROTO_TCP, 2000));
	close_user();
}

static void test_busy(void)
{
	struct net_options opt = { .forwards = 1 };
	int types[] = { SOCK_STREAM, SOCK_DGRAM };

	claim("user: a port in use is refused, and nothing is left");
	for (int i = 0; i < 2; i++) {
		uint16_t port;
		int fd = host_socket(types[i], &port);

		if (!i)
			listen(fd, 1);
		opt.forward[0] = (struct net_forward){
			"PORT", i, htonl(INADDR_LOOPBACK), 0, port, 22
		};
		expect(open_user(&opt) == EXIT_USAGE);
		expect(nb.fd[0] < 0);
		close_user();
		expect(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
		close(fd);
	}
}

/* The value of @key in the status of the back end's process */
static const char *process_status(const char *key)
{
	static char line[256];
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", child_of(child_of(getpid())));
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, key, strlen(key)))
			break;
	fclose(f);
	return line + strlen(key);
}

static void test_sandbox(void)
{
	struct net_options opt = { 0 };

	claim("user: its process has no rights, and only some system calls");
	expect(!open_user(&opt));
	expect(atoi(process_status("Seccomp:")) == 2);
	expect(atoi(process_status("NoNewPrivs:")) == 1);
	expect(strtoull(process_status("CapEff:"), NULL, 16) == 0);
	expect(strtoull(process_status("CapPrm:"), NULL, 16) == 0);
	expect(atoi(process_status("Uid:")) && atoi(process_status("Gid:")));
	close_user();

	claim("user: without the sandbox it keeps them");
	opt.no_sandbox = true;
	expect(!open_user(&opt));
	expect(!atoi(process_status("Seccomp:")));
	close_user();
}

static void test_outgoing(void)
{
	struct net_options opt = { .loopback = true };
	struct timeval limit = { .tv_sec = 5 };
	struct sockaddr_in who;
	socklen_t len = sizeof(who);
	const struct iphdr *ip;
	char got[16] = "";
	uint16_t port;
	int fd = host_socket(SOCK_DGRAM, &port);

	claim("user: with \"loopback\" the guest reaches the host at 10.0.2.2");
	expect(!open_user(&opt));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	udp_out(USER_GUEST, USER_HOST, 1000, port, "hello", 5);
	expect(recvfrom(fd, got, sizeof(got), 0, (void *)&who, &len) == 5 &&
	       !strcmp(got, "hello"));
	expect(sendto(fd, "world", 5, 0, (void *)&who, len) == 5);
	ip = ip_in(IPPROTO_UDP, 2000);
	expect(ip && ((struct udphdr *)(ip + 1))->dest == htons(1000) &&
	       !memcmp((struct udphdr *)(ip + 1) + 1, "world", 5));
	close(fd);
	close_user();
}

static void test_loopback(void)
{
	struct net_options opt = { 0 };
	uint16_t port;
	int fd = host_socket(SOCK_DGRAM, &port);
	char got[16];

	claim("user: the guest cannot reach what listens on the host's loopback");
	expect(!open_user(&opt));
	udp_out(USER_GUEST, "127.0.0.1", 1000, port, "attack", 6);
	udp_out(USER_GUEST, USER_HOST, 1000, port, "attack", 6);
	udp_out(USER_GUEST, "0.0.0.0", 1000, port, "attack", 6);
	while (packet_in(300))
		;
	expect(recv(fd, got, sizeof(got), MSG_DONTWAIT) < 0);
	close(fd);

	claim("user: when its process dies the device reads an end of file, and learns why");
	kill(child_of(child_of(getpid())), SIGKILL);
	fcntl(nb.fd[0], F_SETFL, 0);
	expect(!read(nb.fd[0], frame, sizeof(frame)));
	expect(!strcmp(nb.ops->gone(&nb), "its process was killed by SIGKILL"));
	close_user();
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	alarm(60);
	test_dhcp();
	test_forward();
	test_reset();
	test_busy();
	test_sandbox();
	test_outgoing();
	test_loopback();
	return unit_finish();
}
