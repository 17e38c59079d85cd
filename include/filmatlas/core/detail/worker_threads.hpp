// SPDX-License-Identifier: MIT
#ifndef FILMATLAS_CORE_DETAIL_WORKER_THREADS_HPP
#define FILMATLAS_CORE_DETAIL_WORKER_THREADS_HPP

#include <functional>
#include <system_error>
#include <thread>

#if defined(__GLIBC__)
#include <pthread.h>
#include <sched.h>
#endif

namespace filmatlas::detail {

#if defined(__GLIBC__)

/// A thread of a fork-join call, joined at its end. It starts on another processor than the caller's where there is one, and
/// is free to move from then on: some kernels (of virtual machines above all) let a new thread wait behind the caller and part
/// the two only after several milliseconds, which is all that a short call takes.
class WorkerThread {
public:
    /// Runs `body(worker)`; `body` has to outlive the thread.
    /// @throws std::system_error where the machine gives no more threads.
    WorkerThread(const std::function<void(int)>& body, int worker) : body_(&body), worker_(worker) {
        known_ = sched_getaffinity(0, sizeof allowed_, &allowed_) == 0;
        const int own = sched_getcpu();
        // More threads than processors: the kernel knows best where the others fit.
        if (known_ && own >= 0 && own < CPU_SETSIZE && worker < CPU_COUNT(&allowed_)) {
            cpu_set_t others = allowed_;
            CPU_CLR(static_cast<std::size_t>(own), &others);
            pthread_attr_t attributes;
            if (pthread_attr_init(&attributes) == 0) {
                const bool started = pthread_attr_setaffinity_np(&attributes, sizeof others, &others) == 0 &&
                                     pthread_create(&thread_, &attributes, &run, this) == 0;
                pthread_attr_destroy(&attributes);
                if (started) return;  // else a sandbox forbids it
            }
        }
        if (const int error = pthread_create(&thread_, nullptr, &run, this); error != 0)
            throw std::system_error(error, std::generic_category());
    }
    WorkerThread(const WorkerThread&) = delete;
    WorkerThread& operator=(const WorkerThread&) = delete;
    ~WorkerThread() { pthread_join(thread_, nullptr); }

private:
    static void* run(void* self) {
        const auto& worker = *static_cast<const WorkerThread*>(self);
        if (worker.known_) sched_setaffinity(0, sizeof worker.allowed_, &worker.allowed_);
        (*worker.body_)(worker.worker_);
        return nullptr;
    }

    const std::function<void(int)>* body_;
    int worker_;
    bool known_ = false;
    cpu_set_t allowed_;  // what the caller may use
    pthread_t thread_;
};

#else

class WorkerThread {
public:
    WorkerThread(const std::function<void(int)>& body, int worker) : thread_(body, worker) {}
    WorkerThread(const WorkerThread&) = delete;
    WorkerThread& operator=(const WorkerThread&) = delete;
    ~WorkerThread() { thread_.join(); }

private:
    std::thread thread_;
};

#endif

}  // namespace filmatlas::detail
#endif  // FILMATLAS_CORE_DETAIL_WORKER_THREADS_HPP
