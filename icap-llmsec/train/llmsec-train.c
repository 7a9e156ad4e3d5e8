/* SPDX-License-Identifier: MIT */
/* llmsec-train: labelled text in, a model file and a report of what it is worth out. */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "icap-llmsec/train/train.h"
#include "lib/diag.h"

#define EXTRA_MAX	32

struct opts {
	const char	*concepts, *sources, *out, *worst, *scores;
	const char	*input[EXTRA_MAX];
	float		 weight[EXTRA_MAX];
	size_t		 n_inputs, embed, paste, scraps;
	bool		 lodo, final;
	struct train_opts t;
};

static void
usage(FILE *f)
{
	fputs("usage: llmsec-train --concepts FILE --sources FILE [options] INPUT...\n\n"
	    "INPUT: a file of JSON lines {\"text\", \"label\": 0|1, \"source\", \"head\": \"direct|data|both\", \"family\",\n"
	    "\"order\": true where it is one that may be put into documents},\n"
	    "gzip or not, or a directory of *.jsonl and *.jsonl.gz.  FILE:WEIGHT weighs its rows.\n\n"
	    "  --out FILE       write the model there\n"
	    "  --lodo           score every source with models that never saw it or its group (4 folds): figures, thresholds\n"
	    "                   and calibration come from there; without it, from the training rows, which flatters\n"
	    "  --worst FILE     the highest benign rows and lowest attacks of each source, and every family, to FILE\n"
	    "  --scores FILE    the raw score of every row, as in the report: head, source, label, bytes, score; tab-separated\n"
	    "  --seed N         (1)        --seeds N    runs that are averaged (1)\n"
	    "  --epochs N       (4)        --rate X     of AdaGrad (0.3)\n"
	    "  --drop-word X    (0.1)      --drop-all X rows of which only concepts are seen (0.15)\n"
	    "  --boost X        gradient of concepts (1)   --pos-weight X (1)\n"
	    "  --embed N        instructions and orders put into documents, drawn; pairs of one fold stay (6000)\n"
	    "  --paste N        rows drawn, of which the users' harmless ones are shown as data too (0)\n"
	    "  --scraps N       rows drawn, of which short sentences of the harmless ones are shown alone (0)\n"
	    "  --windows D,T    windows of the heads, sums of 1 blocks, 2 sentences (1,3)\n", f);
}

struct job {
	const struct dataset *d;
	const struct concepts *c;
	const struct opts *o;
	enum model_head	 head;
	struct weights	 w;
	float		*raw;
	int		 rc;
};

static int
score_fold(struct job *j, int fold)
{
	for (size_t i = 0; i < j->d->n; i++) {
		const struct row *r = &j->d->row[i];

		if ((r->heads >> j->head & 1) && (fold == FOLD_ALL || r->fold == fold))
			j->raw[i] = weights_score(&j->w, r, &j->c->trie, j->o->t.windows[j->head]) - model_length_raw(j->head, strlen(r->text));
	}
	return 0;
}

static void *
job_run(void *arg)
{
	struct job *j = arg;

	for (int fold = 0; j->o->lodo && fold < FOLDS && j->rc == 0; fold++)
		if ((j->rc = learn(&j->w, j->d, &j->c->trie, &j->o->t, j->head, fold)) == 0)
			j->rc = score_fold(j, fold);
	if (j->rc == 0 && j->o->out != NULL)
		j->rc = learn(&j->w, j->d, &j->c->trie, &j->o->t, j->head, FOLD_ALL);
	if (j->rc == 0 && !j->o->lodo && j->o->out != NULL)
		j->rc = score_fold(j, FOLD_ALL);
	return NULL;
}

/* Attacks and benign rows weigh the same in all, and so does each source among its kind: the prior is the operator's matter. */
static void
calibrate(const struct job *j, struct model_header *h)
{
	const struct dataset *d = j->d;
	float *raw = malloc((d->n + 1) * sizeof(*raw)), *weight = malloc((d->n + 1) * sizeof(*weight));
	float t[MODEL_LEVELS], documents[MODEL_LEVELS];
	uint8_t *label = malloc(d->n + 1);
	double sum[2] = { 0 };
	struct platt p;
	size_t n = 0;

	if (raw == NULL || weight == NULL || label == NULL)
		abort();
	for (size_t i = 0; i < d->n; i++) {
		const struct row *r = &d->row[i];

		if (!(r->heads >> j->head & 1) || r->weight <= 0)
			continue;
		raw[n] = j->raw[i];
		label[n] = r->label;
		weight[n] = 1;
		sum[r->label != 0] += 1;
		n++;
	}
	for (size_t i = 0; i < n; i++)
		weight[i] = (float)(1 / (sum[label[i] != 0] > 0 ? sum[label[i] != 0] : 1)) * (float)n / 2;
	p = platt_fit(raw, label, weight, n);
	report(stdout, d, j->raw, j->head, t, documents);
	h->platt_a[j->head] = p.a;
	h->platt_b[j->head] = p.b;
	for (int l = 0; l < MODEL_LEVELS; l++) {
		h->threshold[j->head][l] = 1 / (1 + expf(-(p.a * t[l] + p.b)));
		h->documents[j->head][l] = 1 / (1 + expf(-(p.a * documents[l] + p.b)));
	}
	printf("calibration: p = 1/(1+exp(-(%.4f raw %+.4f))); thresholds %.4f %.4f %.4f\n\n", (double)p.a, (double)p.b,
	    (double)h->threshold[j->head][0], (double)h->threshold[j->head][1], (double)h->threshold[j->head][2]);
	free(raw);
	free(weight);
	free(label);
}

static int
scores_write(const char *path, const struct dataset *d, const struct job j[MODEL_HEADS])
{
	FILE *f = fopen(path, "w");

	if (f == NULL)
		return -errno;
	for (int h = 0; h < MODEL_HEADS; h++)
		for (size_t i = 0; i < d->n; i++) {
			const struct row *r = &d->row[i];

			if (r->heads >> h & 1)
				fprintf(f, "%s\t%s\t%d\t%zu\t%.3f\n", h == MODEL_DIRECT ? "direct" : "data", d->source[r->source].name, r->label,
				    strlen(r->text), (double)j[h].raw[i]);
		}
	return fclose(f) == 0 ? 0 : -errno;
}

/* What an operator gave more weight, or has yet to label, is told. */
static void
tell_rows(const struct dataset *d, size_t from, size_t unlabelled, const char *path, float weight)
{
	size_t attacks = 0;

	for (size_t i = from; i < d->n; i++)
		attacks += d->row[i].label;
	if (weight != 1 || unlabelled > 0)
		printf("%s: %zu rows, %zu of them attacks, with weight %g; %zu without a label passed over\n", path, d->n - from, attacks,
		    (double)weight, unlabelled);
}

static int
read_all(struct dataset *d, const struct opts *o, struct diag *diag)
{
	int rc = sources_load(d, o->sources, diag);

	for (size_t i = 0; rc == 0 && i < o->n_inputs; i++) {
		size_t from = d->n, unlabelled = d->unlabelled;
		FILE *f = fopen(o->input[i], "r");
		bool dir = f != NULL && fgetc(f) == EOF && errno == EISDIR;

		if (f != NULL)
			fclose(f);
		rc = dir ? dataset_read_dir(d, o->input[i], o->weight[i], diag) : dataset_read(d, o->input[i], o->weight[i], diag);
		tell_rows(d, from, d->unlabelled - unlabelled, o->input[i], o->weight[i]);
	}
	if (rc == 0 && o->embed > 0)
		rc = dataset_embed(d, o->embed, o->t.seed);
	if (rc == 0 && o->paste > 0)
		rc = dataset_paste(d, o->paste, o->t.seed);
	if (rc == 0 && o->scraps > 0)
		rc = dataset_scraps(d, o->scraps, o->t.seed);
	if (rc == 0 && d->n == 0) {
		diag_error(diag, o->sources, 0, 0, "no rows");
		rc = -EINVAL;
	}
	return rc;
}

static void
about(struct model_header *h, const struct dataset *d, const struct opts *o)
{
	size_t pos = 0;
	uint64_t data = 0;		/* tells whether two models saw the same rows */

	for (size_t i = 0; i < d->n; i++) {
		pos += d->row[i].label;
		data = data * 0x100000001b3u + hash_text(d->row[i].text, strlen(d->row[i].text)) + d->row[i].label;
	}
	snprintf(h->about, sizeof(h->about), "rows=%zu attacks=%zu sources=%zu data=%016llx seed=%llu seeds=%u epochs=%u rate=%g drop=%g,%g boost=%g "
	    "calibrated=%s", d->n, pos, d->n_sources, (unsigned long long)data, (unsigned long long)o->t.seed, o->t.seeds, o->t.epochs, (double)o->t.rate,
	    (double)o->t.drop_word, (double)o->t.drop_all, (double)o->t.concept_boost, o->lodo ? "left-out-sources" : "training-rows");
}

static int
train(const struct opts *o, struct diag *diag)
{
	struct dataset d = { 0 };
	struct concepts *c = NULL;
	struct job j[MODEL_HEADS] = { 0 };
	struct model_header h = { 0 };
	pthread_t thread[MODEL_HEADS];
	int rc = concepts_load(&c, o->concepts, diag);

	if (rc == 0)
		rc = read_all(&d, o, diag);
	if (rc < 0)
		goto out;
	printf("%zu rows, %zu sources, %u concepts in %zu states\n", d.n, d.n_sources, c->n, c->trie.n);
	fflush(stdout);
	for (int i = 0; i < MODEL_HEADS; i++) {
		j[i] = (struct job){ .d = &d, .c = c, .o = o, .head = (enum model_head)i };
		j[i].raw = calloc(d.n, sizeof(float));
		if (j[i].raw == NULL || weights_new(&j[i].w) < 0 || pthread_create(&thread[i], NULL, job_run, &j[i]) != 0)
			abort();
	}
	for (int i = 0; i < MODEL_HEADS; i++) {
		pthread_join(thread[i], NULL);
		rc = rc < 0 ? rc : j[i].rc;
		h.windows[i] = o->t.windows[i];
		calibrate(&j[i], &h);
	}
	if (rc == 0 && o->worst != NULL) {
		FILE *f = fopen(o->worst, "w");

		for (int i = 0; f != NULL && i < MODEL_HEADS; i++) {
			fprintf(f, "==== head %s\n", i == MODEL_DIRECT ? "direct" : "data");
			report_worst(f, &d, j[i].raw, (enum model_head)i, 40);
		}
		if (f != NULL)
			fclose(f);
	}
	if (rc == 0 && o->scores != NULL && (rc = scores_write(o->scores, &d, j)) < 0)
		diag_error(diag, o->scores, 0, 0, "%s", strerror(-rc));
	about(&h, &d, o);
	if (rc == 0 && o->out != NULL) {
		const struct weights w[MODEL_HEADS] = { j[0].w, j[1].w };

		if ((rc = model_write(o->out, c, w, &h)) < 0)
			diag_error(diag, o->out, 0, 0, "%s", strerror(-rc));
	}
out:
	for (int i = 0; i < MODEL_HEADS; i++) {
		weights_free(&j[i].w);
		free(j[i].raw);
	}
	concepts_free(&c);
	dataset_free(&d);
	return rc;
}

static void
input_add(struct opts *o, char *arg)
{
	char *colon = strrchr(arg, ':'), *end = NULL;
	float w = 1;

	if (o->n_inputs == EXTRA_MAX)
		return;
	if (colon != NULL && colon[1] != '\0') {
		w = strtof(colon + 1, &end);
		if (*end == '\0')
			*colon = '\0';
		else
			w = 1;
	}
	o->input[o->n_inputs] = arg;
	o->weight[o->n_inputs++] = w;
}

static const struct option longopts[] = {
	{ "concepts", required_argument, NULL, 'c' }, { "sources", required_argument, NULL, 's' },
	{ "out", required_argument, NULL, 'o' }, { "lodo", no_argument, NULL, 'l' }, { "worst", required_argument, NULL, 'w' }, { "scores", required_argument, NULL, 'R' },
	{ "seed", required_argument, NULL, 'S' }, { "seeds", required_argument, NULL, 'N' }, { "epochs", required_argument, NULL, 'e' },
	{ "rate", required_argument, NULL, 'r' }, { "drop-word", required_argument, NULL, 'd' },
	{ "drop-all", required_argument, NULL, 'D' }, { "boost", required_argument, NULL, 'b' },
	{ "pos-weight", required_argument, NULL, 'p' }, { "embed", required_argument, NULL, 'E' },
	{ "paste", required_argument, NULL, 'P' }, { "scraps", required_argument, NULL, 'B' }, { "windows", required_argument, NULL, 'W' }, { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 }
};

static int
option(struct opts *o, int c)
{
	switch (c) {
	case 'c': o->concepts = optarg; break;
	case 's': o->sources = optarg; break;
	case 'o': o->out = optarg; break;
	case 'l': o->lodo = true; break;
	case 'w': o->worst = optarg; break;
	case 'R': o->scores = optarg; break;
	case 'S': o->t.seed = strtoull(optarg, NULL, 10); break;
	case 'N': o->t.seeds = (unsigned)strtoul(optarg, NULL, 10); break;
	case 'e': o->t.epochs = (unsigned)strtoul(optarg, NULL, 10); break;
	case 'r': o->t.rate = strtof(optarg, NULL); break;
	case 'd': o->t.drop_word = strtof(optarg, NULL); break;
	case 'D': o->t.drop_all = strtof(optarg, NULL); break;
	case 'b': o->t.concept_boost = strtof(optarg, NULL); break;
	case 'p': o->t.pos_weight = strtof(optarg, NULL); break;
	case 'P': o->paste = strtoul(optarg, NULL, 10); break;
	case 'B': o->scraps = strtoul(optarg, NULL, 10); break;
	case 'E': o->embed = strtoul(optarg, NULL, 10); break;
	case 'W': return sscanf(optarg, "%u,%u", &o->t.windows[0], &o->t.windows[1]) == 2 ? 0 : -1;
	default: return -1;
	}
	return 0;
}

int
main(int argc, char **argv)
{
	struct opts o = { .embed = 6000, .t = { .seed = 1, .epochs = 4, .rate = 0.3f, .drop_word = 0.1f, .drop_all = 0.15f,
	    .concept_boost = 1, .pos_weight = 1, .seeds = 1, .windows = { MODEL_W_BLOCKS, MODEL_W_BLOCKS | MODEL_W_SENTENCES } } };
	struct diag *diag = diag_new();
	int c, rc;

	while ((c = getopt_long(argc, argv, "h", longopts, NULL)) != -1) {
		if (c == 'h') {
			usage(stdout);
			return 0;
		}
		if (option(&o, c) < 0) {
			usage(stderr);
			return 2;
		}
	}
	while (optind < argc)
		input_add(&o, argv[optind++]);
	if (o.concepts == NULL || o.sources == NULL || o.n_inputs == 0 || o.t.epochs == 0 || o.t.seeds == 0 || (o.out == NULL && !o.lodo)) {
		usage(stderr);
		return 2;
	}
	rc = train(&o, diag);
	diag_print(diag, stderr);
	diag_free(&diag);
	return rc < 0;
}
