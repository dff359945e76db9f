/* A stand-in for NVIDIA's libnvidia-ml.so.1: what it answers stands in a text file.
 *
 * The file's path is in $NVML_STUB_STATE; it is read again whenever it changes. Its lines:
 *
 *   gpu INDEX key=value ...        uuid name util used total power average energy temp clock
 *                                  reasons procs limit mig (see `struct device`; power in mW,
 *                                  energy in mJ, memory in bytes; -1 means "not supported")
 *   slice INDEX GI CI key=value    a MIG instance of that GPU
 *   fail FUNCTION INDEX CODE       the function answers CODE for that GPU; * is every GPU
 *   hang FUNCTION INDEX            the function does not come back while this line is there
 *   xid INDEX CODE                 an error event, delivered once each time the file changes
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OK = 0, INVALID = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6, SMALL = 7, NO_DRIVER = 9, LATE = 10 };
enum { GPUS = 16, SLICES = 7, RULES = 32, EVENTS = 32 };

typedef struct device {
    int index, gi, ci;
    char uuid[96], name[96];
    long long util, used, total, power, average, energy, temp, clock, reasons, procs, limit, mig;
} device;

typedef struct { char function[64]; int index, code, hangs; } rule;
typedef struct { int index; unsigned long long code; } event;

static device gpus[GPUS], slices[GPUS][SLICES];
static int gpu_count, slice_count[GPUS], rule_count, event_count;
static rule rules[RULES];
static event events[EVENTS];
static struct timespec read_at;
static off_t read_size = -1;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void set(device *d, const char *key, const char *value) {
    struct { const char *name; long long *field; } fields[] = {
        {"util", &d->util}, {"used", &d->used}, {"total", &d->total}, {"power", &d->power},
        {"average", &d->average}, {"energy", &d->energy}, {"temp", &d->temp},
        {"clock", &d->clock}, {"reasons", &d->reasons}, {"procs", &d->procs},
        {"limit", &d->limit}, {"mig", &d->mig},
    };
    if (!strcmp(key, "uuid")) snprintf(d->uuid, sizeof d->uuid, "%s", value);
    if (!strcmp(key, "name")) {
        snprintf(d->name, sizeof d->name, "%s", value);
        for (char *c = d->name; *c; c++) if (*c == '_') *c = ' ';
    }
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (!strcmp(key, fields[i].name)) *fields[i].field = atoll(value);
}

static void fill(device *d, int index, int gi, int ci, char *words) {
    *d = (device){.index = index, .gi = gi, .ci = ci, .util = -1, .used = -1, .total = -1,
                  .power = -1, .average = -1, .energy = -1, .temp = -1, .clock = -1,
                  .reasons = -1, .procs = -1, .limit = -1, .mig = -1};
    char *rest;
    for (char *word = strtok_r(words, " \n", &rest); word; word = strtok_r(NULL, " \n", &rest)) {
        char *equals = strchr(word, '=');
        if (equals) { *equals = 0; set(d, word, equals + 1); }
    }
}

static int number(const char *text) { return *text == '*' ? -1 : atoi(text); }

static void read_line(char *line) {
    char function[64], who[16]; int index, gi, ci, code, used = 0;
    if (sscanf(line, "gpu %d %n", &index, &used) == 1 && used && index < GPUS) {
        fill(&gpus[index], index, 0, 0, line + used);
        if (index >= gpu_count) gpu_count = index + 1;
    } else if (sscanf(line, "slice %d %d %d %n", &index, &gi, &ci, &used) == 3 && used) {
        if (slice_count[index] < SLICES)
            fill(&slices[index][slice_count[index]++], index, gi, ci, line + used);
    } else if (sscanf(line, "fail %63s %15s %d", function, who, &code) == 3 && rule_count < RULES) {
        rules[rule_count] = (rule){.index = number(who), .code = code};
        strcpy(rules[rule_count++].function, function);
    } else if (sscanf(line, "hang %63s %15s", function, who) == 2 && rule_count < RULES) {
        rules[rule_count] = (rule){.index = number(who), .hangs = 1};
        strcpy(rules[rule_count++].function, function);
    } else if (sscanf(line, "xid %d %d", &index, &code) == 2 && event_count < EVENTS) {
        events[event_count++] = (event){index, (unsigned long long)code};
    }
}

static void refresh(void) {
    const char *path = getenv("NVML_STUB_STATE");
    struct stat now;
    if (!path || stat(path, &now)) return;
    if (now.st_size == read_size && now.st_mtim.tv_sec == read_at.tv_sec
        && now.st_mtim.tv_nsec == read_at.tv_nsec) return;
    FILE *file = fopen(path, "r");
    if (!file) return;
    read_at = now.st_mtim; read_size = now.st_size;
    gpu_count = rule_count = event_count = 0;
    memset(slice_count, 0, sizeof slice_count);
    char line[1024];
    while (fgets(line, sizeof line, file)) read_line(line);
    fclose(file);
}

/* Read the state, and give the code that a rule sets for this function and GPU. */
static int begin(const char *function, int index) {
    for (;;) {
        int code = OK, hangs = 0;
        pthread_mutex_lock(&lock);
        refresh();
        for (int i = 0; i < rule_count; i++)
            if (!strcmp(rules[i].function, function)
                && (rules[i].index == -1 || rules[i].index == index)) {
                code = rules[i].code; hangs = rules[i].hangs;
            }
        pthread_mutex_unlock(&lock);
        if (!hangs) return code;
        usleep(5000);
    }
}

#define BEGIN(index) do { int code_ = begin(__func__, index); if (code_) return code_; } while (0)
#define TELL(field) do { BEGIN(d->index); if (d->field < 0) return NOT_SUPPORTED; } while (0)

int nvmlInitWithFlags(unsigned flags) { (void)flags; BEGIN(-1); return getenv("NVML_STUB_STATE") ? OK : NO_DRIVER; }
int nvmlShutdown(void) { BEGIN(-1); return OK; }
const char *nvmlErrorString(int code) { (void)code; return "stand-in error"; }
int nvmlDeviceGetCount_v2(unsigned *count) { BEGIN(-1); *count = (unsigned)gpu_count; return OK; }

int nvmlDeviceGetHandleByIndex_v2(unsigned index, device **handle) {
    BEGIN((int)index);
    if ((int)index >= gpu_count) return NOT_FOUND;
    *handle = &gpus[index];
    return OK;
}

int nvmlDeviceGetUUID(device *d, char *text, unsigned size) { BEGIN(d->index); snprintf(text, size, "%s", d->uuid); return OK; }
int nvmlDeviceGetName(device *d, char *text, unsigned size) { BEGIN(d->index); snprintf(text, size, "%s", d->name); return OK; }

typedef struct { unsigned long long total, free, used; } memory;
typedef struct { unsigned version; unsigned long long total, reserved, free, used; } memory_v2;
int nvmlDeviceGetMemoryInfo(device *d, memory *m) { TELL(used); *m = (memory){(unsigned long long)d->total, 0, (unsigned long long)d->used + (512ull << 20)}; return OK; }
int nvmlDeviceGetMemoryInfo_v2(device *d, memory_v2 *m) { TELL(used); m->total = (unsigned long long)d->total; m->used = (unsigned long long)d->used; m->reserved = 512ull << 20; return OK; }

typedef struct { unsigned gpu, memory; } utilization;
int nvmlDeviceGetUtilizationRates(device *d, utilization *u) { TELL(util); u->gpu = (unsigned)d->util; u->memory = 0; return OK; }
int nvmlDeviceGetTotalEnergyConsumption(device *d, unsigned long long *mj) { TELL(energy); *mj = (unsigned long long)d->energy; return OK; }
int nvmlDeviceGetPowerUsage(device *d, unsigned *mw) { TELL(power); *mw = (unsigned)d->power; return OK; }
int nvmlDeviceGetEnforcedPowerLimit(device *d, unsigned *mw) { TELL(limit); *mw = (unsigned)d->limit; return OK; }
int nvmlDeviceGetTemperature(device *d, int sensor, unsigned *c) { (void)sensor; TELL(temp); *c = (unsigned)d->temp; return OK; }
int nvmlDeviceGetClockInfo(device *d, int type, unsigned *mhz) { if (type != 1) return INVALID; TELL(clock); *mhz = (unsigned)d->clock; return OK; }
int nvmlDeviceGetCurrentClocksEventReasons(device *d, unsigned long long *r) { TELL(reasons); *r = (unsigned long long)d->reasons; return OK; }

typedef struct { unsigned field, scope; long long timestamp, latency; int type, code; union { double d; unsigned u; unsigned long long ull; } value; } field_value;
int nvmlDeviceGetFieldValues(device *d, int count, field_value *values) {
    BEGIN(d->index);
    for (int i = 0; i < count; i++) {
        int known = values[i].field == 185 && d->average >= 0;
        values[i].code = known ? OK : NOT_SUPPORTED;
        values[i].type = 1;
        values[i].value.u = known ? (unsigned)d->average : 0;
    }
    return OK;
}

typedef struct { unsigned pid; unsigned long long used; unsigned gi, ci; } process;
int nvmlDeviceGetComputeRunningProcesses_v3(device *d, unsigned *count, process *list) {
    TELL(procs);
    unsigned room = *count;
    *count = (unsigned)d->procs;
    if (d->procs == 0) return OK;
    if (!list || room < *count) return SMALL;
    for (unsigned i = 0; i < *count; i++) list[i] = (process){1000 + i, 1ull << 30, 0, 0};
    return OK;
}

int nvmlDeviceGetMigMode(device *d, unsigned *now, unsigned *next) { TELL(mig); *now = *next = (unsigned)d->mig; return OK; }
int nvmlDeviceGetMaxMigDeviceCount(device *d, unsigned *count) { BEGIN(d->index); *count = SLICES; return OK; }
int nvmlDeviceGetMigDeviceHandleByIndex(device *d, unsigned i, device **handle) {
    BEGIN(d->index);
    if ((int)i >= slice_count[d->index]) return NOT_FOUND;
    *handle = &slices[d->index][i];
    return OK;
}
int nvmlDeviceGetGpuInstanceId(device *d, unsigned *id) { BEGIN(d->index); *id = (unsigned)d->gi; return OK; }
int nvmlDeviceGetComputeInstanceId(device *d, unsigned *id) { BEGIN(d->index); *id = (unsigned)d->ci; return OK; }

typedef struct { device *device; unsigned long long type, data; unsigned gi, ci; } event_data;
int nvmlEventSetCreate(void **set) { BEGIN(-1); *set = events; return OK; }
int nvmlEventSetFree(void *set) { (void)set; BEGIN(-1); return OK; }
int nvmlDeviceRegisterEvents(device *d, unsigned long long types, void *set) { (void)types; (void)set; BEGIN(d->index); return OK; }
int nvmlEventSetWait_v2(void *set, event_data *data, unsigned timeout) {
    (void)set; (void)timeout;
    BEGIN(-1);
    int code = LATE;
    pthread_mutex_lock(&lock);
    if (event_count > 0) {
        event one = events[--event_count];
        *data = (event_data){&gpus[one.index], 8, one.code, 0, 0};
        code = OK;
    }
    pthread_mutex_unlock(&lock);
    return code;
}
