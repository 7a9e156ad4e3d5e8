/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_SPOP_H
#define LLMSEC_SPOP_H
/*
 * The numbers of SPOP 2.0 (HAProxy doc/SPOE.txt, section 3), shared by every spop_*.c.  No code.
 */

enum spop_type {
	SPOP_T_UNSET		= 0,	/* next piece of a fragmented NOTIFY */
	SPOP_T_HAPROXY_HELLO	= 1,
	SPOP_T_HAPROXY_DISCONNECT = 2,
	SPOP_T_NOTIFY		= 3,
	SPOP_T_AGENT_HELLO	= 101,
	SPOP_T_AGENT_DISCONNECT	= 102,
	SPOP_T_ACK		= 103,
};

enum spop_flag { SPOP_F_FIN = 1, SPOP_F_ABORT = 2 };

/* Why a side says goodbye.  The text is ours (spop_status_str). */
enum spop_status {
	SPOP_S_NORMAL		= 0,
	SPOP_S_IO		= 1,
	SPOP_S_TIMEOUT		= 2,
	SPOP_S_TOO_BIG		= 3,
	SPOP_S_INVALID		= 4,
	SPOP_S_NO_VERSION	= 5,
	SPOP_S_NO_FRAME_SIZE	= 6,
	SPOP_S_NO_CAPABILITIES	= 7,
	SPOP_S_BAD_VERSION	= 8,
	SPOP_S_BAD_FRAME_SIZE	= 9,
	SPOP_S_NO_FRAGMENTATION	= 10,
	SPOP_S_INTERLACED	= 11,
	SPOP_S_NO_FRAME_ID	= 12,
	SPOP_S_RESOURCES	= 13,
	SPOP_S_UNKNOWN		= 99,
};

enum spop_scope { SPOP_SCOPE_PROC, SPOP_SCOPE_SESS, SPOP_SCOPE_TXN, SPOP_SCOPE_REQ, SPOP_SCOPE_RES };

enum spop_data {
	SPOP_D_NULL, SPOP_D_BOOL, SPOP_D_INT32, SPOP_D_UINT32, SPOP_D_INT64, SPOP_D_UINT64,
	SPOP_D_IPV4, SPOP_D_IPV6, SPOP_D_STR, SPOP_D_BIN
};

#define SPOP_VERSION		"2.0"
#define SPOP_CAPABILITIES	"pipelining,fragmentation"
#define SPOP_LENGTH		4	/* the big-endian length in front of each frame */
#define SPOP_FRAME_MIN		7	/* type, flags and the two shortest ids */
#define SPOP_MAX_FRAME_MIN	256	/* the smallest max-frame-size that HAProxy accepts */
#define SPOP_MAX_FRAME_CAP	(1u << 20)
#endif
