/* SPDX-License-Identifier: MIT */
#ifndef LLMSEC_XDP_TELL_H
#define LLMSEC_XDP_TELL_H
/* Samples of dropped packets as events for llmsecd (kernel.drop).  NULL is a teller that tells nothing. */
struct xdp_conf;
struct xdp_maps;
struct xdp_tell;

/* NULL where the configuration wants none, or with a line in the log where it can't be. */
struct xdp_tell	*xdp_tell_open(const struct xdp_conf *, const struct xdp_maps *);
void		 xdp_tell_close(struct xdp_tell **);
void		 xdp_tell_maps(struct xdp_tell *, const struct xdp_maps *);
int		 xdp_tell_fd(const struct xdp_tell *);		/* to poll; -1 */
void		 xdp_tell_read(struct xdp_tell *);
void		 xdp_tell_tick(struct xdp_tell *);
#endif
